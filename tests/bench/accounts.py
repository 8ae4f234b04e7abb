"""Accounts for the figures of access control, in tallyd and in MLflow, and the headers that their requests carry."""

import base64
import json
import os
import re
import secrets
import subprocess
from pathlib import Path

import loads
import stock

# Who logs in every figure of one account: no administrator, so that its grants are asked for.
NAME = "bench"
PASSWORD = "the password of the bench"
ADMIN_PASSWORD = "the administrator of the bench"
# As many people and jobs as a large team has, and how many experiments each may write to.
CROWD = 2000
CROWD_GRANTS = 5
EDIT = 3
WORKSPACE = 1


def bearer(secret):
    return [f"Authorization: Bearer {secret}"]


def basic(name, password):
    return ["Authorization: Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()]


def options():
    """Settings of a daemon with authentication; the first of them makes the administrator `admin`."""
    path = Path(os.environ["BENCH_SCRATCH"], "bootstrap-password")
    path.write_text(ADMIN_PASSWORD + "\n", encoding="ascii")
    return ["--auth", "--bootstrap-password-file", str(path)]


def program(server, *words, given=""):
    """A subcommand of tallyd on the database of a server; gives what it says, on either way."""
    done = subprocess.run([os.environ["BENCH_TALLYD"], *words], env={**os.environ, "TALLY_DATABASE_URL": server.database},
                          input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tallyd {' '.join(words)}: {done.stderr.strip()[-500:]}")
    return done.stdout, done.stderr


def add_user(server, name, *flags):
    program(server, "user", "add", name, *flags, given=PASSWORD + "\n")


def add_token(server, name, label):
    """A token of an account; gives its secret and its number."""
    secret, remark = program(server, "token", "add", name, label)
    return secret.strip(), re.search(r"Token (\d+)", remark).group(1)


def log_in(server, name, password):
    """Headers of a browser that has logged in."""
    answer = server.ask("POST", "/api/tally/v1/login", {"username": name, "password": password}, headers=[])
    if answer.status != 200:
        raise RuntimeError(f"login: {answer.status} {answer.content[:300]!r}")
    cookie = answer.getheader("Set-Cookie").partition(";")[0]
    return [f"Cookie: {cookie}", f"X-Tally-CSRF-Token: {json.loads(answer.content)['csrf_token']}"]


def grant(server, names, experiments, level=EDIT):
    """By SQL, because some of it is much: to the account of each name a grant on the experiment beside it."""
    server.sql(
        "INSERT INTO access_grant (workspace_id, experiment_id, account_id, level) "
        f"SELECT {WORKSPACE}, one.experiment_id, account_id, {level} FROM unnest(ARRAY[{quoted(names)}], "
        f"ARRAY[{','.join(str(one) for one in experiments)}]::bigint[]) one (username, experiment_id) "
        "JOIN account USING (username)")


def grant_all(server, name, level=EDIT):
    """A grant on the workspace, and so on everything in it."""
    server.sql("INSERT INTO access_grant (workspace_id, account_id, level) "
               f"SELECT {WORKSPACE}, account_id, {level} FROM account WHERE username = '{name}'")


def quoted(texts):
    return ",".join(f"'{text}'" for text in texts)


def make_mlflow_user(server, experiment):
    """The same account in MLflow, which has nothing but passwords, and since 3.13 grants to roles only."""
    admin = basic(*server.administrator)
    roles = "/api/3.0/mlflow/roles"
    server.call("POST", "users/create", {"username": NAME, "password": PASSWORD}, admin)
    role = server.call("POST", f"{roles}/create", {"workspace": "default", "name": NAME}, admin)["role"]["id"]
    server.call("POST", f"{roles}/permissions/add",
                {"role_id": role, "resource_type": "experiment", "resource_pattern": experiment, "permission": "EDIT"},
                admin)
    server.call("POST", f"{roles}/assign", {"username": NAME, "role_id": role}, admin)
    return basic(NAME, PASSWORD)


def make_crowd(server):
    """CROWD accounts with a token each; as many experiments with CROWD_GRANTS runs, each of which another account logs.
    Gives the file of headers that belongs to the runs "crowd"."""
    experiments = stock.in_parallel(CROWD, lambda number: server.new_experiment(f"bench crowd {number}"))
    # Neighbouring lines are of different accounts and experiments.
    pairs = [(number, experiments[(number + CROWD // CROWD_GRANTS * turn) % CROWD])
             for turn in range(CROWD_GRANTS) for number in range(CROWD)]
    runs = stock.in_parallel(len(pairs), lambda line: server.new_run(pairs[line][1]))
    loads.runs_file(server, "crowd").write_text("\n".join(runs) + "\n")
    names = [f"crowd-{number}" for number in range(CROWD)]
    tokens = ["tly_" + secrets.token_urlsafe(32) for _ in names]
    server.sql(
        f"INSERT INTO account (username, created_at_ms) SELECT unnest(ARRAY[{quoted(names)}]), 1",
        "INSERT INTO api_token (account_id, name, sha256, hint, level, actions, created_at_ms) "
        "SELECT account_id, 'bench', sha256(token::bytea), left(token, 8), 4, 15, 1 FROM "
        f"unnest(ARRAY[{quoted(names)}], ARRAY[{quoted(tokens)}]) one (username, token) JOIN account USING (username)")
    grant(server, [names[number] for number, _ in pairs], [experiment for _, experiment in pairs])
    server.sql("ANALYZE account", "ANALYZE api_token", "ANALYZE access_grant")
    path = loads.runs_file(server, "crowd-headers")
    path.write_text("".join(f"{bearer(tokens[number])[0]}\n" for number, _ in pairs))
    return path
