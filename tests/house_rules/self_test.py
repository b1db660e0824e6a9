#!/usr/bin/env python3
"""Shows that every house rule can fail: a small tree that keeps them all, then one breach after the other."""
import sys
import tempfile
from pathlib import Path

import house_rules

COMMENT = "// A room with a purpose of its own.\n"
NAMESPACE = "namespace berth::inline host_v1 {}\n"
README = """# Berth
<!-- providers -->
| file | what for |
| --- | --- |
| `local.so` | here |
<!-- /providers -->
<!-- folders -->
config/    settings
docs/      words
host/      the host
  base/    small things
  cli/     commands
  config/  settings
  engine/  the engine
  plugin/  plugins
  service/ services
plugins/   providers
  common/  shared
  local/   here
sdk/       for authors
tests/     tests
  bench/   measures
  standins/ servers
  unit/    rooms
<!-- /folders -->
"""
GOOD = {
    "README.md": README,
    "CMakeLists.txt": "# What there is to build here.\nloader.cpp reader.cpp schema.cpp log.cpp x.cpp server.cpp maker.cpp content_hash.cpp tar.cpp database.cpp bare_curl.cpp socket.cpp\n",
    "config/berth.yaml": "version: 1\n",
    "docs/diagnostics.md": "| BERTH-P-01 | a | b | c |\n",
    "host/base/error.hpp": COMMENT + NAMESPACE,
    "host/plugin/loader.cpp": COMMENT + '#include <boost/dll.hpp>\n#include "../base/error.hpp"\nraise(bad_file);\n',
    "host/plugin/diagnostics.hpp": COMMENT + NAMESPACE + 'Diagnostic bad_file{"BERTH-P-01", Code::internal};\n',
    "host/plugin/schema.cpp": COMMENT + "#include <valijson/schema.hpp>\n",
    "host/config/reader.cpp": COMMENT + "#include <yaml-cpp/yaml.h>\n",
    "host/engine/log.cpp": COMMENT + "#include <spdlog/spdlog.h>\n",
    "host/cli/x.cpp": COMMENT + "#include <CLI/CLI.hpp>\n",
    "plugins/common/tar.cpp": COMMENT + "#include <archive.h>\n",
    "host/service/state/database.cpp": COMMENT + NAMESPACE + "#include <sqlite3.h>\n",
    "host/service/http/curl.hpp": COMMENT + NAMESPACE + "#include <curl/curl.h>\n",
    "tests/bench/bare_curl.cpp": COMMENT + "#include <curl/curl.h>\n",
    "host/service/websocket/beast.hpp": COMMENT + NAMESPACE + "#include <boost/asio.hpp>\n#include <openssl/ssl.h>\n",
    "plugins/local/README.md": "# local\n",
    "host/plugin/content_hash.cpp": COMMENT + "#include <sodium/crypto_hash_sha256.h>\n#include <sodium/utils.h>\n",
    "plugins/local/filter/maker.cpp": COMMENT + "#include <seccomp.h>\n",
    "sdk/include/berth/provider.hpp": COMMENT + "namespace berth::inline sdk_v1 {}\n",
    "tests/standins/server.cpp": COMMENT + "#include <boost/beast/core.hpp>\n",
    "tests/bench/socket.cpp": COMMENT + "#include <boost/beast/core.hpp>\n",
    "tests/unit/CMakeLists.txt": "# The rooms and berth.yaml.\n",
}

# rule -> changes (path: new text, or None to remove) of which each must be a breach
BAD = {
    "rule_owners": [
        {"host/engine/second.cpp": COMMENT + "#include <spdlog/sinks/null.h>\n"},
        {"host/engine/log.cpp": COMMENT + "#include <yaml-cpp/yaml.h>\n"},
        {"host/config/reader.cpp": COMMENT},
        {"plugins/local/launch.cpp": COMMENT + "#include <seccomp.h>\n"},
        {"host/plugin/loader.cpp": COMMENT + "#include <boost/dll.hpp>\n#include <sodium.h>\n"},
        {"plugins/local/tar.cpp": COMMENT + "#include <archive_entry.h>\n"},
        {"host/base/error.hpp": COMMENT + NAMESPACE + "#include <boost/filesystem.hpp>\n"},
        {"tests/unit/x.cpp": COMMENT + "#include <boost/asio.hpp>\n"},
    ],
    "rule_command_line_library": [
        {"host/base/error.hpp": COMMENT + NAMESPACE + "#include <CLI/CLI.hpp>\n"},
        {"host/base/error.hpp": COMMENT + NAMESPACE + "#include <doctest/doctest.h>\n"},
        {"sdk/include/berth/x.hpp": COMMENT + "#include <nlohmann/json.hpp>\n"},
    ],
    "rule_floors": [
        {"host/base/error.hpp": COMMENT + NAMESPACE + '#include "../plugin/diagnostics.hpp"\n'},
        {"host/base/error.hpp": COMMENT + NAMESPACE + '#include "engine/host.hpp"\n'},
        {"host/attic/x.hpp": COMMENT + NAMESPACE},
    ],
    "rule_sides": [
        {"sdk/include/berth/x.hpp": COMMENT + '#include "../../../host/base/error.hpp"\n'},
        {"plugins/local/x.hpp": COMMENT + '#include "base/error.hpp"\n'},
        {"sdk/include/berth/x.hpp": COMMENT + "#include <boost/any.hpp>\n"},
    ],
    "rule_installed_headers": [{"host/engine/x.hpp": COMMENT + NAMESPACE + '#include "base/error.hpp"\n'}],
    "rule_namespaces": [{"host/base/error.hpp": COMMENT + "namespace berth {}\n"}],
    "rule_first_lines": [{"host/base/error.hpp": NAMESPACE}, {"tests/x.sh": "#!/bin/sh\ntrue\n"}],
    "rule_length": [{"host/base/long.hpp": COMMENT + NAMESPACE + "int x;\n" * 400}],
    "rule_words": [
        {"host/base/error.hpp": COMMENT + NAMESPACE + "// TO" + "DO later\n"},
        {"host/base/error.hpp": COMMENT + NAMESPACE + "// For " + "now this is enough\n"},
        {"host/base/error.hpp": COMMENT + NAMESPACE + "std::for" + "mat(1);\n"},
        {"docs/x.md": "see /wo" + "rk/shared/design.md\n"},
    ],
    "rule_cmake": [
        {"CMakeLists.txt": GOOD["CMakeLists.txt"] + "file(GLOB all *.cpp)\n"},
        {"host/base/forgotten.cpp": COMMENT},
    ],
    "rule_diagnostics": [
        {"docs/diagnostics.md": ""},
        {"docs/diagnostics.md": "| BERTH-P-01 | a |\n| BERTH-P-02 | b |\n"},
        {"docs/diagnostics.md": "| BERTH-P-01 | a |\n| BERTH-P-01 | b |\n"},
        {"host/plugin/loader.cpp": COMMENT + "#include <boost/dll.hpp>\n"},
        {"host/base/d.hpp": COMMENT + NAMESPACE + 'Diagnostic other{"BERTH-P-01", Code::internal};\n'},
    ],
    "rule_providers": [{"plugins/acme/README.md": "# acme\n"}, {"README.md": README.replace("local.so", "cloud.so")}],
    "rule_folder_map": [
        {"host/provider/x.hpp": COMMENT + NAMESPACE},
        {"README.md": README.replace("docs/  ", "dogs/  ")},
    ],
    "rule_examples": [{"config/more.yaml": "version: 1\n"}],
    "rule_links": [{"docs/x.md": "[there](nowhere.md)\n"}],
}


def rules_broken(files):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            full = Path(folder) / path
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_text(text)
        return {name: breach for name, breach in house_rules.breaches(folder)}


def main():
    complaints = []
    for name, breach in rules_broken(GOOD).items():
        complaints.append(f"the good tree breaks {name}: {breach}")
    for rule in house_rules.RULES:
        if rule.__name__ not in BAD:
            complaints.append(f"no breach is known for {rule.__name__}")
    for name, changes in BAD.items():
        for change in changes:
            if name not in rules_broken({**GOOD, **change}):
                complaints.append(f"{name} does not see {change}")
    print("\n".join(complaints) or f"all {len(BAD)} rules can fail")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
