#!/usr/bin/env python3
"""Each public header stands alone: the contract as strict C11 and as C++20 without padding, the face as C++20.

headers.py INCLUDE_DIRECTORY C_COMPILER,CXX_COMPILER... ; every pair compiles the contract and the two umbrellas, the
first pair also every header of the face that an author may include.
"""
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Wpadded", "-Wconversion", "-Werror"]
FACE = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wold-style-cast", "-Wnon-virtual-dtor", "-Werror"]


def compile_alone(job):
    compiler, flags, include, header, suffix = job
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"alone.{suffix}"
        source.write_text(f"#include <berth/{header}>\n#include <berth/{header}>\nint main(void) {{ return 0; }}\n")
        done = subprocess.run([compiler, *flags, f"-I{include}", "-fsyntax-only", str(source)],
                              capture_output=True, text=True, check=False)
    return f"{compiler} {' '.join(flags)} {header}:\n{done.stderr}" if done.returncode else None


def main():
    include = Path(sys.argv[1])
    pairs = [pair.split(",") for pair in sys.argv[2:]]
    contract = sorted(path.name for path in (include / "berth").glob("*.h"))
    face = sorted(path.name for path in (include / "berth").glob("*.hpp"))
    jobs = []
    for number, (c, cxx) in enumerate(pairs):
        jobs += [(c, ["-std=c11", *STRICT], include, header, "c") for header in contract]
        jobs += [(cxx, ["-std=c++20", *STRICT], include, header, "cpp") for header in contract]
        some = face if number == 0 else ["provider.hpp", "testing.hpp"]
        jobs += [(cxx, ["-std=c++20", *FACE], include, header, "cpp") for header in some]
    with ThreadPoolExecutor(max_workers=2) as pool:
        complaints = [text for text in pool.map(compile_alone, jobs) if text]
    print("\n".join(complaints) or f"{len(jobs)} headers stand alone")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
