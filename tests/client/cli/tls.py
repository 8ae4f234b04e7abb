"""A second daemon, which speaks TLS and shows one certificate after another, for tls.cases.

They see TALLY_SERVER, its address; PLAIN, that of the daemon without TLS on the same database, and BARE, that without its
scheme; PORT; KEYS, a folder with good.pem, other.pem (of another host) and expired.pem; and `present NAME`, which makes
the daemon show one of these.
"""
import os
import re
import subprocess
import time

import cases

WAIT_S = 60

# What `openssl ca` needs to make a certificate that has ended: `openssl req` makes none.
CA_CONFIG = """[ca]
default_ca = it
[it]
database = {keys}/index.txt
serial = {keys}/serial
new_certs_dir = {keys}
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1
"""

PRESENT = """#!/usr/bin/env bash
# The daemon reads its certificate again on SIGHUP; it does so after a while.
set -euo pipefail
cp "$KEYS/$1.pem" "$KEYS/cert.pem"
cp "$KEYS/$1-key.pem" "$KEYS/key.pem"
kill -HUP "$TLS_PROCESS"
wanted=$(openssl x509 -in "$KEYS/$1.pem" -noout -fingerprint)
for _ in $(seq 300); do
  shown=$(openssl s_client -connect "127.0.0.1:$PORT" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint 2>/dev/null || true)
  [ "$shown" != "$wanted" ] || exit 0
  sleep 0.1
done
exit 1
"""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def new_key(keys, name, request, *more):
    openssl("req", *request, "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={name}",
            "-keyout", f"{keys}/{name}-key.pem", *more)


def make_keys(keys):
    os.makedirs(keys)
    for name, host in (("good", "IP:127.0.0.1"), ("other", "DNS:tally.example")):
        new_key(keys, name, ["-x509", "-days", "90"], "-addext", f"subjectAltName={host}", "-out", f"{keys}/{name}.pem")
    for file, text in (("ca.conf", CA_CONFIG.format(keys=keys)), ("index.txt", ""), ("serial", "01\n")):
        with open(f"{keys}/{file}", "w", encoding="ascii") as out:
            out.write(text)
    new_key(keys, "expired", ["-new"], "-out", f"{keys}/expired.csr")
    openssl("ca", "-batch", "-selfsign", "-config", f"{keys}/ca.conf", "-keyfile", f"{keys}/expired-key.pem", "-in",
            f"{keys}/expired.csr", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-notext", "-out",
            f"{keys}/expired.pem")


def start(env, keys):
    """The daemon and its address; None when it does not come up."""
    log = os.path.join(env["W"], "tls.log")
    words = [os.environ["TALLY_TEST_TALLYD"], "serve", "--listen", "127.0.0.1:0", "--auth", "--artifact-store",
             os.path.join(env["W"], "tls-artifacts"), "--tls-cert", f"{keys}/cert.pem", "--tls-key", f"{keys}/key.pem"]
    with open(log, "wb") as out:
        process = subprocess.Popen(words, env=dict(os.environ, TALLY_DATABASE_URL=os.environ["TALLY_TEST_DATABASE_URL"]),
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and process.poll() is None:
        with open(log, encoding="utf-8") as told:
            found = re.search(r"event=listening address=(https://\S+)", told.read())
        if found:
            return process, found.group(1)
        time.sleep(0.1)
    return process, None


def run(report, env, path):
    keys = os.path.join(env["W"], "keys")
    tools = os.path.join(env["W"], "tools")
    make_keys(keys)
    os.makedirs(tools)
    with open(os.path.join(tools, "present"), "w", encoding="ascii") as script:
        script.write(PRESENT)
    os.chmod(script.name, 0o755)
    for end in (".pem", "-key.pem"):
        with open(f"{keys}/good{end}", "rb") as good, open(f"{keys}/{'cert' if end == '.pem' else 'key'}.pem", "wb") as out:
            out.write(good.read())
    process, address = start(env, keys)
    try:
        if report.check("a daemon that speaks TLS", address is not None, os.path.join(env["W"], "tls.log")):
            env.update(PLAIN=env["TALLY_SERVER"], BARE=env["TALLY_SERVER"].partition("//")[2],
                       TALLY_SERVER=address, PORT=address.rsplit(":", 1)[1], KEYS=keys,
                       TLS_PROCESS=str(process.pid), PATH=tools + ":" + env["PATH"])
            cases.run(report, env, path)
    finally:
        process.terminate()
        code = process.wait(WAIT_S)
    report.check("the daemon ends with 0", code == 0, str(code))
