"""Make the accounts that the clients of a run use on a server that asks who one is. Arguments: BASE_URL, and the password of
the administrator `admin`.

The writer may write in the workspace, but not with his narrow token; the reader may read one experiment in it. Prints
what the clients must know as NAME=value."""

import secrets
import sys
import uuid

import checks


def main():
    server = checks.Server(sys.argv[1])
    server.headers = {"Authorization": checks.basic("admin", sys.argv[2])}
    known = {"PASSWORD": f"pass: word {secrets.token_hex(8)}"}
    for role in ("WRITER", "READER"):
        name = f"{role.lower()} {uuid.uuid4().hex[:10]}"
        server.good("POST", "/api/tally/v1/users", {"username": name, "password": known["PASSWORD"]})
        token = server.good("POST", "/api/tally/v1/tokens", {"username": name, "name": "clients"})
        known[role] = name
        known[f"{role}_TOKEN"] = token["secret"]
    narrow = {"username": known["WRITER"], "name": "clients", "permission": "READ"}
    known["NARROW_TOKEN"] = server.good("POST", "/api/tally/v1/tokens", narrow)["secret"]
    grant = {"workspace": "default", "username": known["WRITER"], "permission": "EDIT"}
    server.good("PUT", "/api/tally/v1/grants", grant)
    made = server.good("POST", "/api/2.0/mlflow/experiments/create", {"name": f"readable {uuid.uuid4().hex}"})
    known["READABLE"] = made["experiment_id"]
    grant = {"experiment_id": known["READABLE"], "username": known["READER"], "permission": "READ"}
    server.good("PUT", "/api/tally/v1/grants", grant)
    for name, value in known.items():
        print(f"TALLY_CHECK_{name}={value}")


if __name__ == "__main__":
    main()
