"""`python -m sandbox.identity PORT EMAIL [EMAIL ...]`: a provider whose people are these, until Ctrl-C."""

import sys

from sandbox.identity.provider import Person, Provider


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    port, *emails = sys.argv[1:]
    people = [Person(f"subject-{number}", email, email.split("@")[0].title()) for number, email in enumerate(emails, 1)]
    provider = Provider(people, port=int(port))
    print(
        f"issuer {provider.issuer}\nclient id {provider.client_id}\nclient secret {provider.client_secret}", flush=True
    )
    provider.serve()


if __name__ == "__main__":
    main()
