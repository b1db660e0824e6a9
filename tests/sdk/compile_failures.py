#!/usr/bin/env python3
"""Compiles bad plugin classes with every compiler there is: each fault is one clear error line that names it.

compile_failures.py INCLUDE_DIRECTORY SOURCE COMPILER...
"""
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# macro -> the error lines expected, in any order, each by what it must contain
LACKS = "Berth: the plugin class lacks the required method "
FORM = " of the plugin class is not public or has the wrong form. Expected: "
CASES = {
    "CORRECT": [],
    "FORGOTTEN": [LACKS + "is_ready. Expected: bool is_ready(berth::Call&, std::string_view id)"],
    "TWO_FORGOTTEN": [LACKS + "destroy. Expected: void destroy(", LACKS + "is_ready. Expected: "],
    "MISSPELT": [LACKS + "execute_stream. Expected: berth::ProcessEnd execute_stream("],
    "WRONG_RESULT": ["Berth: the method is_ready" + FORM + "bool is_ready("],
    "PRIVATE_METHOD": ["Berth: the method restart" + FORM + "berth::SandboxInfo restart("],
    "WRONG_OPTIONAL": ["Berth: the method create_snapshot" + FORM + "std::string create_snapshot(berth::Call&, "
                       "std::string_view id, std::string_view name)"],
    "HALF_A_PAIR": ["Berth: list_snapshots and delete_snapshot are offered together"],
    "FOLLOWS_WITHOUT_SINK": ["Berth: the manifest offers log_follow, which needs the form void get_logs("],
    "FINAL_CLASS": ["Berth: the plugin class must not be final"],
    "NO_CONSTRUCTOR": ["Berth: the plugin class has no public constructor of the form (berth::Host, "],
}


def complaint(include, source, compiler, macro, expected):
    command = [compiler, "-std=c++20", "-fsyntax-only", f"-I{include}", f"-D{macro}", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    missing = [text for text in expected if not any(text in line for line in errors)]
    if missing or len(errors) != len(expected) or (done.returncode == 0) != (not expected):
        return f"{compiler} -D{macro}: expected {expected}, got {errors}"
    return None


def main():
    include, source, *compilers = sys.argv[1:]
    jobs = [(include, source, compiler, macro, expected) for compiler in compilers for macro, expected in CASES.items()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        complaints = [text for text in pool.map(lambda job: complaint(*job), jobs) if text]
    print("\n".join(complaints) or f"{len(jobs)} sources answered as they should")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
