"""What the program prints about itself: completions, man pages, and the reference in the docs."""
import json
import os
import shutil
import subprocess

MARK = "<!-- What follows is printed by `tally manual reference`. -->"


def tally(env, *words):
    return subprocess.run(["tally", *words], env=env, text=True, capture_output=True, check=True).stdout


def complete_bash(env, script, words):
    """What bash offers for the last of the words."""
    lines = (f"source '{script}'\nCOMP_WORDS=({' '.join(repr(word) for word in words)})\n"
             f"COMP_CWORD={len(words) - 1}\n_tally\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return subprocess.run(["bash", "-c", lines], env=env, text=True, capture_output=True, check=False).stdout.split()


COMPLETIONS = [
    (["tally", ""], {"run", "runs", "login", "chart", "model"}, {"start"}),
    (["tally", "r"], {"run", "runs"}, {"login"}),
    (["tally", "run", ""], {"start", "log", "end", "exec"}, {"promote"}),
    (["tally", "run", "e"], {"end", "exec"}, {"start"}),
    (["tally", "--server", "http://x", "model", "pro"], {"promote"}, set()),
    (["tally", "run", "exec", "--no"], {"--no-output"}, {"--name"}),
    (["tally", "run", "end", "x", "--status", ""], {"finished", "failed", "killed"}, {"latest"}),
    (["tally", "chart", "latest", "loss", "-x", ""], {"step", "time", "relative"}, set()),
    (["tally", "completion", ""], {"bash", "zsh"}, set()),
    (["tally", "gate", ""], {"ls", "show", "set", "delete"}, {"promote"}),
    (["tally", "gate", "set", "churn", "--stage", ""], {"Staging", "Production", "Archived"}, set()),
    (["tally", "gate", "set", "churn", "production", "--ap"], {"--approvals", "--approver"}, {"--check"}),
    (["tally", "gate", "set", "churn", "production", "--rules", "/etc/host"], {"/etc/hostname"}, set()),
    (["tally", "help", "run", "st"], {"start"}, set()),
    (["tally", "show", "l"], {"latest"}, set()),
    (["tally", "artifact", "put", "latest", "/etc/host"], {"/etc/hostname"}, set()),
    (["tally", "run", "exec", "--", "/etc/host"], {"/etc/hostname"}, set()),
]


def check_bash(report, env):
    script = os.path.join(env["W"], "completion.bash")
    with open(script, "w", encoding="utf-8") as file:
        file.write(tally(env, "completion", "bash"))
    parsed = subprocess.run(["bash", "-n", script], text=True, capture_output=True, check=False)
    report.check("bash reads its completion", parsed.returncode == 0, parsed.stderr)
    for words, wanted, unwanted in COMPLETIONS:
        offered = set(complete_bash(env, script, words))
        report.check(f"bash completes {' '.join(words)!r}", wanted <= offered and not unwanted & offered,
                     f"offered {sorted(offered)[:30]}")


# zsh completes only at a terminal of its own, so its zpty gets a Tab and what is shown is looked at,
# until the words are there.
ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; fpath=("$W/zsh" $fpath); autoload -Uz compinit; compinit -u -D; zstyle ":completion:*" menu no; echo re""ady'
zpty -r z line '*ready*'
zpty -w -n z "$1"$'\t\t'
shown=
for ((i = 0; i < 600; i++)); do
  while zpty -r -t z line; do shown+=$line; done
  missing=
  for word in "${@:2}"; do [[ $shown == *$word* ]] || missing=yes; done
  [[ -n $missing ]] || break
  sleep 0.1
done
print -rn -- "$shown"
zpty -d z
"""


def check_zsh(report, env):
    text = tally(env, "completion", "zsh")
    report.check("zsh completion says whose it is", text.startswith("#compdef tally\n"))
    if not shutil.which("zsh"):
        return
    folder = os.path.join(env["W"], "zsh")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "_tally"), "w", encoding="utf-8") as file:
        file.write(text)
    parsed = subprocess.run(["zsh", "-n", os.path.join(folder, "_tally")], text=True, capture_output=True, check=False)
    report.check("zsh reads its completion", parsed.returncode == 0, parsed.stderr)
    for typed, wanted in [("tally run ", ["exec", "start"]), ("tally runs --or", ["order-by"]),
                          ("tally model promote x y --", ["--expect", "--reason"])]:
        shown = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", typed, *wanted], env=env, text=True,
                               capture_output=True, timeout=180, check=False).stdout
        report.check(f"zsh completes {typed!r}", all(word in shown for word in wanted), repr(shown[-600:]))


def roff_problems(page):
    """What is wrong with a page, as far as one can tell without a formatter."""
    requests = {"TH", "SH", "TP", "PP", "nf", "fi"}
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith(".") and line[1:].split(" ")[0] not in requests:
            return f"line {number}: an unknown request: {line}"
        if line.startswith("'"):
            return f"line {number}: begins with a quote"
    sections = [line for line in page.splitlines() if line.startswith(".SH")]
    return "" if sections[:2] == [".SH NAME", ".SH SYNOPSIS"] and page.count(".nf") == page.count(".fi") else "sections"


def check_manual(report, env):
    pages = tally(env, "manual", "pages").splitlines()
    report.check("there are pages", len(pages) > 30)
    for name in [""] + pages:
        page = tally(env, "manual", *name.split())
        wrong = roff_problems(page)
        for program in (["mandoc", "-T", "lint", "-W", "error"], ["groff", "-man", "-ww", "-z"]):
            if not wrong and shutil.which(program[0]):
                told = subprocess.run(program, input=page, text=True, capture_output=True, check=False)
                wrong = told.stdout + told.stderr
        report.check(f"the page of 'tally {name}'".replace(" '", "'") if not name else f"the page of 'tally {name}'",
                     not wrong, wrong)


def check_help(report, env):
    for name in tally(env, "manual", "pages").splitlines():
        text = tally(env, *name.split(), "--help")
        report.check(f"'tally {name} --help' fits into 100 columns", max(map(len, text.splitlines())) <= 100,
                     max(text.splitlines(), key=len))


def check_json_errors(report, env):
    """A wrong use is told in JSON to whom wants JSON, by every command."""
    for name in tally(env, "manual", "pages").splitlines():
        result = subprocess.run(["tally", *name.split(), "--json", "--nonsense"], env=env, text=True,
                                capture_output=True, check=False)
        # The stdout of a command that is run is its own.
        told = result.stderr if name == "run exec" else result.stdout
        try:
            error = json.loads(told)["error"]
        except (ValueError, KeyError) as wrong:
            error = {"message": repr(wrong)}
        report.check(f"'tally {name} --json' tells a wrong use in JSON",
                     result.returncode == error.get("exit_code") == 1 and "--nonsense" in error["message"],
                     f"{result.returncode} {result.stdout!r} {result.stderr!r}")


def check_reference(report, env, root, write):
    """docs/client/command-line.md ends with what the program says."""
    path = os.path.join(root, "docs/client/command-line.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, mark, after = text.partition(MARK)
    now = "\n\n" + tally(env, "manual", "reference")
    if write and mark:
        with open(path, "w", encoding="utf-8") as file:
            file.write(before + mark + now)
        after = now
    report.check("docs/client/command-line.md is what the program says", mark and after == now,
                 "'tests/client/cli/run --write texts' writes it anew")


def run(report, env, root, write):
    check_bash(report, env)
    check_zsh(report, env)
    check_manual(report, env)
    check_help(report, env)
    check_json_errors(report, env)
    check_reference(report, env, root, write)
