#include "embedded.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace bench {
namespace {

constexpr int held_number = 9;  // the descriptor in bubblewrap

}  // namespace

Place::Place(const std::string& parent) : path_(parent + "/berth-bench-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr || chmod(path_.c_str(), 0711) != 0) {
        throw std::runtime_error("cannot make a directory below " + parent);
    }
}

Place::~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

berth::HostOptions embedded_options(const std::string& plugins, const std::string& state) {
    berth::HostOptions options;
    options.configuration = berth::built_in_configuration();
    auto& provider = options.configuration.providers.front();
    provider.config.value["state_dir"] = state;
    provider.max_concurrency = 1024;
    provider.max_streams = 1024;
    options.plugin_directories = {plugins};
    options.environment_variables = berth::EnvironmentVariables::of_process();
    options.log = [](berth::LogLevel level, std::string_view line) {
        if (level >= berth::LogLevel::warning) {
            std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
        }
    };
    return options;
}

berth::SandboxName make_sandbox(berth::Host& host) {
    const auto info = host.create({});
    return {info.provider, info.id};
}

berth::ProcessConfig command(std::vector<std::string> words) {
    berth::ProcessConfig process;
    process.command = words.at(0);
    process.args.assign(words.begin() + 1, words.end());
    return process;
}

std::vector<std::string> same_bubblewrap(const std::string& place, const std::vector<std::string>& words) {
    for (const char* name : {"/workspace", "/home", "/tmp"}) {
        std::filesystem::create_directories(place + name);
    }
    std::vector<std::string> all{
        "bwrap",         "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--unshare-net", "--uid",          "1000",          "--gid",         "1000",          "--hostname",
        "sandbox",       "--as-pid-1",     "--new-session", "--cap-drop",    "ALL",           "--clearenv",
        "--ro-bind",     "/usr",           "/usr"};
    const auto add = [&](std::initializer_list<std::string> more) { all.insert(all.end(), more); };
    for (const std::string root : {"/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"}) {
        std::error_code missing;
        if (std::filesystem::is_symlink(root)) {
            add({"--symlink", std::filesystem::read_symlink(root, missing).string(), root});
        } else if (std::filesystem::exists(root, missing)) {
            add({"--ro-bind", root, root});
        }
    }
    add({"--ro-bind", "/etc", "/etc", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives"});
    add({"--proc", "/proc", "--dev", "/dev", "--size", "67108864", "--tmpfs", "/run"});
    add({"--bind", place + "/workspace", "/workspace", "--bind", place + "/home", "/home/sandbox"});
    add({"--bind", place + "/tmp", "/tmp", "--dir", "/var", "--symlink", "../tmp", "/var/tmp"});
    add({"--symlink", "../run", "/var/run", "--remount-ro", "/", "--chdir", "/"});
    add({"--"});
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

HeldProgram::HeldProgram(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("cannot open " + path);
}

HeldProgram::~HeldProgram() {
    close(descriptor_);
}

HeldSandbox::HeldSandbox(const std::string& place, const HeldProgram& held) {
    const Words words(same_bubblewrap(place, {"/proc/self/fd/" + std::to_string(held_number)}));
    Pipe said;
    Streams streams;
    streams.set(1, said.write_end);
    streams.set(held_number, held.descriptor());
    child_ = spawn(words.get(), streams);
    said.close_write_end();
    char byte = 0;
    if (read(said.read_end, &byte, 1) != 1) {
        wait_for(child_);
        throw std::runtime_error("bubblewrap made no sandbox");
    }
}

HeldSandbox::~HeldSandbox() {
    // Its own child is process 1 of the sandbox: with it everything goes, and then bubblewrap itself.
    const std::string children = "/proc/" + std::to_string(child_) + "/task/" + std::to_string(child_) + "/children";
    if (FILE* file = std::fopen(children.c_str(), "re")) {
        int first = 0;
        if (std::fscanf(file, "%d", &first) == 1 && first > 0) kill(first, SIGKILL);
        std::fclose(file);
    }
    wait_for(child_);
}

}  // namespace bench
