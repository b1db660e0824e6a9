// A long-running program that embeds Berth: runs each line it reads in one sandbox and prints what that wrote. At SIGHUP it
// takes new plugin files into use, while lines go on being run. serve BERTH_YAML PLUGIN_DIRECTORY
#include <signal.h>

#include <berth/config/reader.hpp>
#include <berth/engine/host.hpp>
#include <cstdio>
#include <iostream>
#include <set>
#include <string>
#include <thread>

namespace {

/// Every plugin that the configuration names. What cannot be used is told, and the file before it goes on serving.
void reload_all(berth::Host& host) {
    std::set<std::string> plugins;
    for (const auto& provider : host.configuration().providers)
        plugins.insert(provider.plugin);
    for (const auto& plugin : plugins) {
        try {
            for (const auto& provider : host.reload(plugin))
                std::cout << "reloaded " << provider.name << ", version " << provider.plugin_version << std::endl;
        } catch (const berth::Error& error) {
            std::cout << error.what() << std::endl;
        }
    }
}

/// Waits for SIGHUP on a thread of its own: in a signal handler nothing of this may be called.
class HangUps {
public:
    /// `signals` are blocked in every thread.
    HangUps(berth::Host& host, const sigset_t& signals)
        : thread_([&host, signals] {
              for (int number = 0; ::sigwait(&signals, &number) == 0 && number == SIGHUP;)
                  reload_all(host);
          }) {}
    ~HangUps() {
        ::pthread_kill(thread_.native_handle(), SIGTERM);
        thread_.join();
    }
    HangUps(const HangUps&) = delete;
    HangUps& operator=(const HangUps&) = delete;

private:
    std::thread thread_;
};

void serve(berth::Host& host) {
    const berth::SandboxInfo info = host.create({});
    const berth::SandboxName sandbox = berth::SandboxName::parse(info.full_name());
    berth::ProcessConfig process;
    process.command = "sh";
    for (std::string line; std::getline(std::cin, line);) {
        process.args = {"-c", line};
        std::cout << host.execute(sandbox, process).standard_output << std::flush;
    }
    host.destroy(sandbox);
}

}  // namespace

int main(int count, char** words) {
    if (count != 3) return 2;
    try {
        // Before the host makes its first thread: they all inherit it.
        sigset_t signals;
        ::sigemptyset(&signals);
        ::sigaddset(&signals, SIGHUP);
        ::sigaddset(&signals, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

        berth::HostOptions options;
        options.environment_variables = berth::EnvironmentVariables::of_process();
        options.configuration = berth::load_configuration(words[1], options.environment_variables);
        options.install_plugin_directory = words[2];
        berth::Host host(std::move(options));
        const HangUps hang_ups(host, signals);
        serve(host);
        return 0;
    } catch (const berth::Error& error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
}
