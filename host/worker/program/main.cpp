// berth-worker: a process that holds one plugin for a host. Started by the host, by nobody else:
//   berth-worker HOST_PROCESS MEMORY_BYTES CPUS COPIES      with its socket as descriptor 3
#include <fcntl.h>
#include <pthread.h>
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
#ifdef BERTH_SANITIZED
constexpr std::size_t stack_bytes = std::size_t{2} << 20U;
#else
constexpr std::size_t stack_bytes = std::size_t{512} * 1024;
#endif

bool is_socket(int descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/// The very bytes that the host has verified and holds.
const berth::LoadedPlugin& load(const std::string& path, const std::string& mapped_path,
                                const berth::FileIdentity& identity) {
    return berth::load_plugin(berth::reopen_prepared(path, mapped_path, identity),
                              berth::TrustRules::of_this_process());
}

/// Hundreds of threads within a limit of memory: what the contract promises a plugin, and room for what a host adds.
void make_small_stacks() {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, stack_bytes);
    ::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);
}

int run(char** words) {
    const berth::worker::Confinement confinement{std::atoi(words[1]), std::strtoull(words[2], nullptr, 10),
                                                 static_cast<std::uint32_t>(std::strtoul(words[3], nullptr, 10))};
    if (const auto failed = confine(confinement, host_socket); !failed.empty()) {
        std::fprintf(stderr, "berth-worker: %s\n", failed.c_str());
        return 70;
    }
    ::fcntl(host_socket, F_SETFD, FD_CLOEXEC);
    make_small_stacks();
    // What a plugin prints is told when it does, and by a plugin that ends the process before anybody flushes, too.
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    berth::worker::WorkerBody body(berth::FileDescriptor(host_socket), load);
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
