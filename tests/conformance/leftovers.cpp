// Makes and destroys 1,000 sandboxes and then looks for anything that is left: leftovers CONFIG PROVIDER STATE_DIR.
// Descriptors of this process, mounts, processes that know the state directory, cgroups of ours, files of the state.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "config/reader.hpp"
#include "engine/host.hpp"

namespace {

using namespace berth;
namespace fs = std::filesystem;

constexpr int rounds = 1000;
constexpr int threads = 2;
constexpr int limited_each = 8;
constexpr const char* limit_features[] = {"memory_limit", "cpu_limit", "pids_limit"};

std::string content_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    try {
        return {std::istreambuf_iterator<char>(stream), {}};
    } catch (const std::ios_base::failure&) {
        return {};  // a process of somebody else's, which ended while its file was read
    }
}

std::size_t entries_of(const fs::path& directory) {
    std::error_code ignored;
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory, ignored), fs::directory_iterator()));
}

/// Processes, this one aside, whose command line names `text`.
std::vector<std::string> processes_naming(const std::string& text) {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(::getpid())) continue;
        // A runner script of this test names the directory too; sandboxes are started by bwrap or are berth-init.
        const auto line = content_of(entry.path() / "cmdline");
        if (line.find(text) != std::string::npos && line.find("bwrap") != std::string::npos) found.push_back(name);
    }
    return found;
}

/// Control groups, anywhere below the usual mount, of the sandboxes with these ids. Others than ours come and go meanwhile.
std::size_t own_cgroups(const std::set<std::string>& ids) {
    std::size_t count = 0;
    std::error_code error;
    for (fs::recursive_directory_iterator entry("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, error),
         end;
         !error && entry != end; entry.increment(error)) {
        if (entry.depth() > 4) entry.disable_recursion_pending();
        const auto name = entry->path().filename().string();
        if (name.starts_with("berth-") && ids.contains(name.substr(std::string_view("berth-").size()))) ++count;
    }
    return count;
}

struct Traces {
    std::size_t descriptors = entries_of("/proc/self/fd");
    std::size_t mounts = 0;
    std::size_t processes = 0;
    std::size_t cgroups = 0;
    std::size_t sandboxes = 0;
};

Traces traces_of(Host& host, const std::string& provider, const std::string& state_directory) {
    Traces traces;
    const auto mounts = content_of("/proc/self/mountinfo");
    for (std::size_t at = mounts.find(state_directory); at != std::string::npos;
         at = mounts.find(state_directory, at + 1)) {
        ++traces.mounts;
    }
    traces.processes = processes_naming(state_directory).size();
    for (const auto& entry : fs::recursive_directory_iterator(state_directory)) {
        if (entry.path().parent_path().filename() == "sandboxes") ++traces.sandboxes;
    }
    traces.sandboxes += host.list(provider).sandboxes.size();
    return traces;
}

int run(const std::string& config_file, const std::string& provider, const std::string& state_directory) {
    HostOptions options;
    options.environment_variables = EnvironmentVariables::of_process();
    options.configuration = load_configuration(config_file, options.environment_variables);
    Host host(std::move(options));
    const auto offer = host.open_provider(provider);
    const bool limits = std::all_of(std::begin(limit_features), std::end(limit_features), [&](const char* name) {
        return std::any_of(offer.features.begin(), offer.features.end(),
                           [&](const FeatureState& feature) { return feature.name == name && feature.offered; });
    });
    std::printf("every %dth sandbox %s\n", limited_each, limits ? "has limits" : "would have limits: not offered here");
    std::mutex mutex;
    std::set<std::string> limited_ids;
    std::atomic<int> turn = 0;
    const auto once = [&] {
        CreateRequest request;
        request.provider = provider;
        const bool limited = limits && ++turn % limited_each == 0;
        if (limited) {
            request.config.environment.memory_limit_mib = 256;
            request.config.environment.cpu_limit = 100;
            request.config.pids_limit = 50;
        }
        const auto info = host.create(request);
        host.destroy({info.provider, info.id});
        if (limited) {
            const std::lock_guard lock(mutex);
            limited_ids.insert(info.id);
        }
    };
    once();  // what is made once for all (library, caches) is no leftover
    const auto before = traces_of(host, provider, state_directory);

    std::atomic<int> left = rounds;
    std::string failure;
    std::vector<std::thread> workers;
    for (int index = 0; index < threads; ++index) {
        workers.emplace_back([&] {
            try {
                while (left.fetch_sub(1) > 0)
                    once();
            } catch (const std::exception& error) {
                const std::lock_guard lock(mutex);
                failure = error.what();
                left = 0;
            }
        });
    }
    for (auto& worker : workers)
        worker.join();
    if (!failure.empty()) {
        std::fprintf(stderr, "a create or destroy failed: %s\n", failure.c_str());
        return 1;
    }

    auto after = traces_of(host, provider, state_directory);
    after.cgroups = own_cgroups(limited_ids);
    int faults = 0;
    const auto compare = [&faults](const char* what, std::size_t was, std::size_t is) {
        std::printf("%-12s before %zu, after %zu%s\n", what, was, is, was == is ? "" : "   <-- left behind");
        if (was != is) ++faults;
    };
    compare("descriptors", before.descriptors, after.descriptors);
    compare("mounts", before.mounts, after.mounts);
    compare("processes", before.processes, after.processes);
    compare("cgroups", before.cgroups, after.cgroups);
    compare("sandboxes", before.sandboxes, after.sandboxes);
    std::printf("%d sandboxes made and destroyed\n", rounds);
    return faults == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: leftovers CONFIG PROVIDER STATE_DIR\n", stderr);
        return 2;
    }
    try {
        return run(argv[1], argv[2], argv[3]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
