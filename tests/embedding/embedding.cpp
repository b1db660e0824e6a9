// A program that embeds Berth, in one file: makes a sandbox with the provider `local`, works in it, and leaves nothing.
// It includes what an installed Berth gives, and nothing else. `embedding_program PLUGIN_DIRECTORY STATE_DIRECTORY`.
#include <berth/engine/host.hpp>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

void expect(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(what);
}

/// berth.yaml is not needed: a configuration is plain data.
berth::HostOptions options(const std::string& plugins, const std::string& state) {
    berth::HostOptions options;
    options.configuration = berth::built_in_configuration();
    options.configuration.providers.front().config.value["state_dir"] = state;
    options.plugin_directories = {plugins};
    options.environment_variables = berth::EnvironmentVariables::of_process();
    options.log = [](berth::LogLevel level, std::string_view line) {
        if (level >= berth::LogLevel::warning) std::cerr << line << '\n';
    };
    return options;
}

berth::ProcessConfig shell(const std::string& line) {
    berth::ProcessConfig process;
    process.command = "sh";
    process.args = {"-c", line};
    return process;
}

void work(berth::Host& host) {
    berth::CreateRequest request;
    request.config.name = "embedding";
    request.config.initial_files = {{"", "greeting", {}, "hello\n"}};
    const auto info = host.create(request);
    const berth::SandboxName sandbox{info.provider, info.id};

    const auto result = host.execute(sandbox, shell("cat greeting; exit 7"));
    expect(result.standard_output == "hello\n", "execute gives the output");
    expect(result.exit_code == 7, "and the exit code");

    auto process = shell("read line; echo \"got $line\"; exec sleep 1000");
    process.interactive = true;
    auto running = host.execute_stream(sandbox, process);
    running.write_stdin("a line\n");
    std::byte buffer[64];
    const auto count = running.standard_output()->read(buffer);
    expect(std::string(static_cast<const char*>(static_cast<const void*>(buffer)), count) == "got a line\n",
           "output is there while the process runs");
    expect(running.kill(), "a signal is handed on");
    expect(running.wait().status == berth::ProcessStatus::killed, "and ends it");

    try {
        (void)host.execute(sandbox, berth::ProcessConfig{});
        throw std::runtime_error("an empty command is refused");
    } catch (const berth::Error& error) {
        expect(error.code() == berth::Code::invalid_argument, "by a code a program can branch on");
    }
    expect(host.list().sandboxes.size() == 1, "the sandbox is listed");
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return EXIT_FAILURE;
    try {
        berth::Host host(options(arguments[1], arguments[2]));
        work(host);
    } catch (const std::exception& failure) {
        std::cerr << failure.what() << '\n';
        return EXIT_FAILURE;
    }
    // The sandbox was not persistent: the end of the first Host has destroyed it.
    berth::Host later(options(arguments[1], arguments[2]));
    return later.list().sandboxes.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}
