# SPDX-License-Identifier: Apache-2.0
"""What shells offer for a command line, given a completion script. Each function takes the script's path, the words
typed so far (the last one is unfinished) and the folder to be in, and returns a set."""
import os
import pathlib
import pty
import select
import shlex
import subprocess
import tempfile
import time

SECONDS = 20  # for zsh to load its completion system on a busy machine

BASH = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_mikv
printf '%s\\n' "${COMPREPLY[@]}"
"""

# Candidates go to a file, whatever the terminal shows; calls with -O, -A or -D add none.
ZSH = """
PROMPT=
fpath=({folder} $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {{
  if [[ ${{@[1,(i)(-|--)]}} != *-(O|A|D)\\ * ]]; then
    typeset -a hits
    builtin compadd -A hits "$@"
    print -rl -- $hits >>{out}
  fi
  builtin compadd "$@"
}}
finished() {{ : >{out}.finished }}
comppostfuncs=(finished)
bindkey '^I' complete-word
: >{out}.ready
"""


def lines(text):
    return {line for line in text.splitlines() if line}


def bash(script, words, folder):
    done = subprocess.run(["bash", "--norc", "--noprofile", "-c", BASH, "bash", script, *words], cwd=folder,
                          stdout=subprocess.PIPE, text=True, check=True)
    return lines(done.stdout)


def fish(script, words, folder):
    command = f"source {shlex.quote(str(script))}; complete -C {shlex.quote(' '.join(words))}"
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, XDG_DATA_HOME=home)
        done = subprocess.run(["fish", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True,
                              check=True)
    return {line.split("\t")[0] for line in lines(done.stdout)}


def wait_for(path, terminal):
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 4096)
        if time.monotonic() > deadline:
            raise TimeoutError(f"zsh: no {path.name} after {SECONDS} s")


def zsh(script, words, folder):
    with tempfile.TemporaryDirectory() as name:
        out, setup = pathlib.Path(name, "out"), pathlib.Path(name, "setup")
        setup.write_text(ZSH.format(folder=script.parent, out=out))
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], dict(os.environ, TERM="xterm"))
        try:
            os.write(terminal, f"source {setup}\n".encode())
            wait_for(out.with_suffix(".ready"), terminal)
            os.write(terminal, (" ".join(words) + "\t").encode())
            wait_for(out.with_suffix(".finished"), terminal)
        finally:
            os.close(terminal)  # ends zsh
            os.waitpid(child, 0)
        return lines(out.read_text()) if out.exists() else set()
