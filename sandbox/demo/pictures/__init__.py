"""Product pictures drawn by code: one drawing, given out as SVG for pages and as PNG for mails."""
