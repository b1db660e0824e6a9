// A program of somebody else that embeds Berth: makes a sandbox with the plugin of the installation, runs a command in
// it, and prints what it wrote. embed PLUGIN_DIRECTORY
#include <berth/engine/host.hpp>
#include <cstdio>

int main(int count, char** words) {
    if (count != 2) return 2;
    try {
        berth::HostOptions options;
        options.configuration = berth::built_in_configuration();
        options.install_plugin_directory = words[1];
        options.environment_variables = berth::EnvironmentVariables::of_process();
        berth::Host host(std::move(options));

        const berth::SandboxInfo info = host.create({});
        const berth::SandboxName sandbox = berth::SandboxName::parse(info.full_name());
        berth::ProcessConfig process;
        process.command = "echo";
        process.args = {"hello", "from", "the", "sandbox"};
        const berth::ProcessResult result = host.execute(sandbox, process);
        host.destroy(sandbox);
        std::fputs(result.standard_output.c_str(), stdout);
        return result.exit_code;
    } catch (const berth::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
