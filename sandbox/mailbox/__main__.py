"""Starts the mailbox: SMTP in the main thread's loop, the page in a thread beside it; both on loopback only."""

import argparse
import asyncio
import logging
import signal
import threading
from pathlib import Path

from werkzeug.serving import make_server

from sandbox.mailbox import faults, letters, page, smtp


def main():
    options = arguments()
    options.state.mkdir(parents=True, exist_ok=True)
    pile = letters.Letters(path=options.state / "letters.sqlite", keep=options.keep)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = page.create_app(letters=pile, complaint_url=options.complaint_url, complaint_secret=options.complaint_secret)
    web = make_server("127.0.0.1", options.http_port, app, threaded=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        asyncio.run(serve(options=options, pile=pile, web_port=web.server_port))
    finally:
        web.shutdown()
        pile.close()


def arguments():
    parser = argparse.ArgumentParser(prog="python -m sandbox.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the mails")
    parser.add_argument("--keep", type=int, default=20_000, help="how many of the newest mails are kept")
    parser.add_argument("--complaint-url", help='where "mark as spam" posts {"message_id", "recipient"}')
    parser.add_argument("--complaint-secret", default="", help="signs what is posted there (X-Regulars-Signature)")
    return parser.parse_args()


async def serve(*, options, pile, web_port):
    server = await smtp.listen(port=options.smtp_port, letters=pile, faults=faults.Faults())
    smtp_port = server.sockets[0].getsockname()[1]
    print(f"Mailbox: SMTP on 127.0.0.1:{smtp_port}, page on http://127.0.0.1:{web_port}/", flush=True)
    told_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    await told_to_stop.wait()
    server.close()


if __name__ == "__main__":
    main()
