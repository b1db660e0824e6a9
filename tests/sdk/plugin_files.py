#!/usr/bin/env python3
"""What a plugin's file holds, however it was built: notes that survive strip and --gc-sections, one exported symbol from
berth_add_plugin(), and the same behaviour from each compiler.

plugin_files.py INCLUDE_DIRECTORY BAD_CLASS_SOURCE MINIMAL_SOURCE LOADER BUILT_PLUGIN CXX_COMPILER...
"""
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

METHODS = ("create get list destroy execute execute_stream upload_files download_files get_resource_usage is_ready "
           "restart")

# What check_plugin.cmake says, and to which source.
ENTRY = "#include <berth/plugin.h>\nconst berth_plugin* berth_plugin_v1(uint32_t minor) { (void)minor; return 0; }\n"
REFUSED = {
    "it exports 'berth_plugin_v1;other'": ENTRY + "void other(void) {}",
    "it has no note of the owner berth": ENTRY,
    "its manifest has no version": ENTRY + 'BERTH_MANIFEST("{\\"name\\": \\"x\\"}");',
    "its manifest has no name, or is no JSON object": ENTRY + 'BERTH_MANIFEST("nonsense");',
}


def notes(path):
    """The notes of the owner berth, by type, found by the program header alone."""
    data = Path(path).read_bytes()
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    found = {}
    for number in range(count):
        kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", data, offset + number * size)
        end = at + length
        while kind == 4 and at < end:
            name_size, text_size, note = struct.unpack_from("<III", data, at)
            text = at + 12 + (name_size + 3) // 4 * 4
            if data[at + 12:at + 12 + name_size] == b"berth\0":
                found[note] = data[text:text + text_size].decode()
            at = text + (text_size + 3) // 4 * 4
    return found


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def main():
    include, bad_class, minimal, loader, built, *compilers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, compiler in enumerate(compilers):
            plugin = folder / f"plain-{number}.so"
            command = [compiler, "-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{include}"]
            run(*command, "-DCORRECT", bad_class, "-o", plugin)
            small = folder / f"small-{number}.so"
            run(*command, "-DCORRECT", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", bad_class, "-o", small)
            run("strip", small)
            for file in (plugin, small):
                got = notes(file)
                assert json.loads(got[1]) == {"name": "bad", "version": "1.0.0"}, (compiler, file, got)
                assert got[2] == METHODS, (compiler, file, got)
                exported = run("nm", "-D", "--defined-only", file)
                assert " T berth_plugin_v1" in exported, (compiler, file, exported)
            whole = folder / f"minimal-{number}.so"
            run(*command, minimal, "-o", whole)
            print(compiler, run(loader, whole).strip())
        check = Path(include).parent / "cmake" / "check_plugin.cmake"
        for text, source in REFUSED.items():
            file = folder / "refused.so"
            (folder / "refused.c").write_text(source)
            run("cc", "-shared", "-fPIC", f"-I{include}", folder / "refused.c", "-o", file)
            done = subprocess.run(["cmake", f"-DPLUGIN={file}", "-DNM=nm", "-DREADELF=readelf", "-P", str(check)],
                                  capture_output=True, text=True, check=False)
            assert done.returncode != 0 and text in " ".join(done.stderr.split()), (text, done.stderr)
            assert not file.exists(), "a plugin that was refused must not stay"
    symbols = run("nm", "-D", "--defined-only", built).split("\n")
    names = [line.split()[-1] for line in symbols if line]
    assert names == ["berth_plugin_v1"], names
    assert json.loads(notes(built)[1])["name"] == "minimal"
    print("built by berth_add_plugin()", run(loader, built).strip())


if __name__ == "__main__":
    main()
