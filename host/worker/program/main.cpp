// berth-worker: a process that holds one plugin for a host. Started by the host, by nobody else:
//   berth-worker HOST_PROCESS MEMORY_BYTES CPUS      with its socket as descriptor 3
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "../../plugin/diagnostics.hpp"
#include "../../plugin/loader.hpp"
#include "../../plugin/plugin_file.hpp"
#include "confinement.hpp"
#include "worker_body.hpp"

namespace {

constexpr int host_socket = 3;

bool is_socket(int descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/// The very file that the host has read and checked, or none.
const berth::LoadedPlugin& load(const std::string& path, const berth::FileIdentity& identity) {
    const auto rules = berth::TrustRules::of_this_process();
    const std::filesystem::path whole(path);
    const auto directory = berth::open_trusted_directory(whole.parent_path().string(), rules);
    auto file = berth::read_plugin_file(directory, whole.filename().string(), berth::SearchOrigin::command_line, rules, berth::Pins());
    if (file.identity != identity) {
        throw berth::Error(berth::plugin_diagnostics::changed, "the file changed since it was read",
                           "Run the command again; nothing has been loaded")
            .with_location(path);
    }
    return berth::load_plugin(file, rules);
}

int run(char** words) {
    const berth::worker::Confinement confinement{std::atoi(words[1]), std::strtoull(words[2], nullptr, 10),
                                                 static_cast<std::uint32_t>(std::strtoul(words[3], nullptr, 10))};
    if (const auto failed = confine(confinement, host_socket); !failed.empty()) {
        std::fprintf(stderr, "berth-worker: %s\n", failed.c_str());
        return 70;
    }
    ::fcntl(host_socket, F_SETFD, FD_CLOEXEC);
    berth::worker::WorkerBody body(berth::FileDescriptor(host_socket), &load);
    body.serve();
    // The host is gone or has no use for this any more. What the plugin still runs ends here, its destructors too: they
    // belong to a process that nobody waits for.
    std::_Exit(0);
}

}  // namespace

int main(int count, char** words) {
    if (count != 4 || !is_socket(host_socket)) {
        std::fputs("berth-worker holds a plugin for a Berth host, which starts it; there is nothing to do by hand.\n",
                   stderr);
        return 64;
    }
    try {
        return run(words);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "berth-worker: %s\n", error.what());
        return 70;
    }
}
