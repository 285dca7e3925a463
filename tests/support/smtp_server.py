"""The test mail server: real SMTP with STARTTLS and AUTH, saying 550 and 452 to scripted recipients.

Prints one line of JSON when it listens ({"port": N}) and one for each message it took. Keeps every
message as a file in the folder given by --keep.
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import pathlib
import ssl
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# What a test leaves out on purpose, such as TLS before a login, is not worth a warning.
warnings.simplefilter("ignore")
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


def part(message, kind):
    body = message.get_body(preferencelist=(kind,))
    return body.get_content() if body is not None else None


class Mailboxes:
    """Takes every message, but for the recipients whose name says otherwise."""

    def __init__(self, keep):
        self.keep = keep
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "gone":
            return "550 5.1.1 no such mailbox here"
        if name == "busy":
            return "452 4.2.2 the mailbox is full, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        (self.keep / f"{self.count:06}.eml").write_bytes(envelope.content)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        taken = {
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "subject": str(message["subject"] or ""),
            "headers": [[name.lower(), str(value)] for name, value in message.items()],
            "text": part(message, "plain"),
            "html": part(message, "html"),
            # The first is known after STARTTLS, the second when encrypted from the first byte.
            "encrypted": bool(session.ssl or server.transport.get_extra_info("ssl_object")),
            "login": session.auth_data.decode() if session.auth_data else None,
        }
        print(json.dumps(taken), flush=True)
        return f"250 2.0.0 taken as {self.count}"


def login_check(username, password):
    def check(server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and (
            data.login == username.encode() and data.password == password.encode()
        )
        # handled=False: the server itself then says 535.
        return AuthResult(success=right, handled=False, auth_data=data.login if right else None)

    return check


async def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--keep", type=pathlib.Path, required=True)
    options.add_argument("--certificates", type=pathlib.Path)
    options.add_argument("--tls", choices=["none", "starttls", "tls"], default="none")
    options.add_argument("--username")
    options.add_argument("--password")
    given = options.parse_args()

    context = None
    if given.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(given.certificates / "server.pem", given.certificates / "server.key")
    mailboxes = Mailboxes(given.keep)

    def connection():
        return SMTP(
            mailboxes,
            hostname="mx.clinic.test",
            enable_SMTPUTF8=True,
            tls_context=context if given.tls == "starttls" else None,
            require_starttls=given.tls == "starttls",
            authenticator=login_check(given.username, given.password) if given.username else None,
            auth_required=given.username is not None,
            # What is under TLS from the first byte needs no STARTTLS before AUTH.
            auth_require_tls=given.tls == "starttls",
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", given.port, ssl=context if given.tls == "tls" else None
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
