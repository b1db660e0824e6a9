// What the tests of whole hosts share: hosts that have a bad plugin and a good one, one after the other over one place for
// what is remembered, as processes that are started one after the other.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "case.hpp"
#include "config/reader.hpp"
#include "engine/host.hpp"

namespace misbehaving {

/// At its end nothing that a plugin started is left.
class HostCase {
public:
    /// `run`: as in berth.yaml.
    HostCase(std::string name, std::string run) : name_(std::move(name)), run_(std::move(run)), directory_{name_} {}
    HostCase(const HostCase&) = delete;
    HostCase& operator=(const HostCase&) = delete;
    ~HostCase() { CHECK(descendants().empty()); }

    [[nodiscard]] std::unique_ptr<Host> host() {
        const EnvironmentVariables environment(EnvironmentVariables::Variables{
            {"HOME", path("home")}, {"XDG_STATE_HOME", state_home}, {"XDG_CACHE_HOME", path("cache")}});
        HostOptions options;
        options.configuration =
            read_configuration_text("version: 1\nproviders:\n  good: { plugin: good }\n  bad: { plugin: " + name_ +
                                        ", run: " + run_ + ", worker: { memory: 512MiB } }\n",
                                    "/etc/berth.yaml", environment)
                .configuration;
        options.plugin_directories = {directory_.path().string()};
        options.install_plugin_directory = install_directory;
        options.worker_program = worker_program;
        options.environment_variables = environment;
        options.log = [this](LogLevel, std::string_view line) { lines.add(line); };
        return std::make_unique<Host>(std::move(options));
    }
    [[nodiscard]] std::string path(std::string_view name) const { return (directory_.path() / name).string(); }
    [[nodiscard]] std::string file() const { return path(name_ + ".so"); }
    /// Paths of all files of a folder of records, none when there is no such folder.
    [[nodiscard]] std::vector<std::filesystem::path> records(std::string_view folder) const {
        std::vector<std::filesystem::path> found;
        std::error_code none;
        for (const auto& entry :
             std::filesystem::directory_iterator(state_home + "/berth/" + std::string(folder), none))
            found.push_back(entry.path());
        return found;
    }

    Lines lines;

private:
    std::string name_;
    std::string run_;
    PluginDirectory directory_;

public:
    std::string state_home = path("state");
    std::string install_directory = path("install");
    std::string worker_program = BERTH_WORKER;
};

inline SandboxInfo create_in(Host& host, const std::string& provider) {
    CreateRequest request;
    request.provider = provider;
    return host.create(request);
}

}  // namespace misbehaving
