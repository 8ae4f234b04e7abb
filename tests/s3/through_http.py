"""A daemon whose artifacts are in S3, through its HTTP interface: what goes up comes down, by the daemon and by signed URLs.

Usage: through_http.py ADDRESS S3_ADDRESS
Prints "ok - ..." and "not ok - ..." and a closing line; the exit status is 0 when nothing failed."""

import hashlib
import json
import random
import sys
import urllib.error
import urllib.parse
import urllib.request

address, s3_address = (text.rstrip("/") for text in sys.argv[1:3])
artifacts = address + "/api/2.0/mlflow-artifacts"
api = address + "/api/2.0/mlflow"
passed = failed = 0
# Larger than two of the parts in which the daemon sends a content on.
LARGE_BYTES = 20 * 1024 * 1024 + 333
# S3's least size of a part.
PART_BYTES = 5 * 1024 * 1024


def check(what, condition, seen=""):
    global passed, failed
    if condition:
        passed += 1
        print(f"ok - {what}")
    else:
        failed += 1
        print(f"not ok - {what}: {seen!r}"[:500])


def ask(method, url, body=None, headers=None):
    """Status, headers and body of an answer; a dict as body is sent as JSON."""
    headers = dict(headers or {})
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def through_the_daemon():
    generator = random.Random(1)
    for name, content in (
        ("empty", b""),
        ("small one ü#%.txt", b"hello world"),
        ("large", generator.randbytes(LARGE_BYTES)),
    ):
        url = f"{artifacts}/artifacts/{folder}/{urllib.parse.quote(name)}"
        status, _, body = ask("PUT", url, content)
        check(f"PUT {name}", status == 200, (status, body))
        status, headers, body = ask("GET", url)
        check(f"GET {name}", status == 200 and body == content, (status, len(body), body[:200]))
        digest = hashlib.sha256(content).hexdigest()
        check(f"ETag of {name}", digest in headers.get("ETag", ""), headers.get("ETag"))
        status, headers, _ = ask("HEAD", url)
        check(f"HEAD {name}", (status, headers["Content-Length"]) == (200, str(len(content))), (status, dict(headers)))
        if len(content) > 5:
            begin = len(content) // 2
            status, headers, body = ask("GET", url, headers={"Range": f"bytes={begin}-{begin + 3}"})
            check(f"range of {name}", (status, body) == (206, content[begin : begin + 4]), (status, body[:100]))
    status, _, body = ask("GET", f"{artifacts}/artifacts?path={folder}")
    files = {file["path"]: int(file["file_size"]) for file in json.loads(body).get("files", [])}
    check("list", files == {"empty": 0, "small one ü#%.txt": 11, "large": LARGE_BYTES}, files)


def by_signed_urls():
    content = random.Random(2).randbytes(2 * PART_BYTES + 5)
    name = "in parts.bin"
    status, _, body = ask("POST", f"{artifacts}/mpu/create/{folder}", {"path": name, "num_parts": 3})
    answer = json.loads(body)
    check("mpu/create", status == 200 and len(answer.get("credentials", [])) == 3, (status, body))
    parts = []
    for credential in answer["credentials"]:
        number = int(credential["part_number"])
        check(f"part {number} goes to S3", credential["url"].startswith(s3_address + "/"), credential["url"])
        piece = content[(number - 1) * PART_BYTES : number * PART_BYTES]
        status, headers, body = ask("PUT", credential["url"], piece, credential.get("headers"))
        check(f"PUT of part {number}", status == 200, (status, body))
        parts.append({"part_number": number, "etag": headers["ETag"], "url": credential["url"]})
    wrong = [dict(parts[0], etag=parts[1]["etag"])] + parts[1:]
    complete = {"path": name, "upload_id": answer["upload_id"], "parts": wrong}
    status, _, body = ask("POST", f"{artifacts}/mpu/complete/{folder}", complete)
    check("a wrong etag is refused", status == 400, (status, body))
    status, _, body = ask("POST", f"{artifacts}/mpu/complete/{folder}", dict(complete, parts=parts))
    check("mpu/complete", status == 200, (status, body))
    url = f"{artifacts}/artifacts/{folder}/{urllib.parse.quote(name)}"
    status, headers, body = ask("GET", url)
    check("GET of what came in parts", status == 200 and body == content, (status, len(body)))
    check("its ETag", hashlib.sha256(content).hexdigest() in headers.get("ETag", ""), headers.get("ETag"))

    status, _, body = ask("GET", f"{artifacts}/presigned/{folder}/{urllib.parse.quote(name)}")
    answer = json.loads(body)
    check("presigned download", status == 200 and answer.get("url", "").startswith(s3_address + "/"), (status, body))
    status, headers, body = ask("GET", answer["url"], headers=answer.get("headers"))
    check("download from S3", status == 200 and body == content, (status, body[:300]))
    check("as attachment", headers.get("Content-Disposition", "").startswith("attachment"), dict(headers))

    status, _, body = ask("POST", f"{artifacts}/mpu/create/{folder}", {"path": "given up", "num_parts": 2})
    answer = json.loads(body)
    ask("PUT", answer["credentials"][0]["url"], b"x" * 100)
    abort = {"path": "given up", "upload_id": answer["upload_id"]}
    status, _, body = ask("POST", f"{artifacts}/mpu/abort/{folder}", abort)
    check("mpu/abort", status == 200, (status, body))
    status, _, _ = ask("PUT", answer["credentials"][1]["url"], b"x" * 100)
    check("no part after it", status == 404, status)


def removing():
    url = f"{artifacts}/artifacts/{folder}/large"
    status, _, body = ask("DELETE", url)
    check("DELETE", status in (200, 204), (status, body))
    status, _, _ = ask("GET", url)
    check("gone", status == 404, status)


status, _, body = ask("POST", f"{api}/runs/create", {"experiment_id": "0"})
run_id = json.loads(body)["run"]["info"]["run_id"]
folder = f"0/{run_id}/artifacts"
for part in (through_the_daemon, by_signed_urls, removing):
    try:
        part()
    except Exception as error:  # a part that dies is a failure, and the others still tell something
        check(part.__name__, False, error)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)
