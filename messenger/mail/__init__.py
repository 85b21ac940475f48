"""E-mail: assembling messages, SMTP, and a local mailbox for demo and tests."""
