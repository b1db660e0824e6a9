// A plugin class for tests whose methods do what the test says at the moment: one function for each method.
#pragma once

#include <berth/provider.hpp>
#include <berth/testing.hpp>
#include <functional>

/// What each method does. A test makes one and sets what it needs; it is the one in use until it dies.
struct Script {
    Script() { current() = this; }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    ~Script() { current() = nullptr; }
    static Script*& current() {
        static Script* script = nullptr;
        return script;
    }

    using Id = std::string_view;
    std::function<void(berth::Host, const berth::Settings&, berth::Call&)> open = [](auto, const auto&, auto&) {};
    std::function<berth::SandboxInfo(berth::Call&, const berth::SandboxConfig&, berth::FileSource&)> create =
        [](auto&, const auto& config, auto&) { return info("one", config); };
    std::function<berth::SandboxInfo(berth::Call&, Id)> get = [](auto&, Id id) { return info(id); };
    std::function<void(berth::Call&, berth::InfoSink&)> list = [](auto&, auto&) {};
    std::function<void(berth::Call&, Id)> destroy = [](auto&, Id) {};
    std::function<berth::ProcessEnd(berth::Call&, Id, const berth::Process&, berth::ProcessSink&)> execute =
        [](auto&, Id, const auto&, auto&) { return berth::ProcessEnd::exited(0); };
    std::function<void(berth::Call&, Id, berth::FileSource&)> upload = [](auto&, Id, auto&) {};
    std::function<void(berth::Call&, Id, berth::Paths, berth::FileSink&)> download = [](auto&, Id, auto, auto&) {};
    std::function<berth::Usage(berth::Call&, Id)> usage = [](auto&, Id) { return berth::Usage{}; };
    std::function<bool(berth::Call&, Id)> is_ready = [](auto&, Id) { return true; };
    std::function<void(berth::Call&, Id, const berth::LogOptions&, berth::ByteSink&)> logs = [](auto&, Id, const auto&,
                                                                                                auto&) {};
    std::function<void(berth::Call&, Id, berth::Pairs, berth::Strings)> set_env = [](auto&, Id, auto, auto) {};
    std::function<berth::Variables(berth::Call&, Id)> get_env = [](auto&, Id) { return berth::Variables{}; };
    std::function<berth::Features(berth::Call&)> features = [](auto&) { return berth::Features{}; };

    static berth::SandboxInfo info(std::string_view id) {
        berth::SandboxInfo result;
        result.id = id;
        result.state = berth::SandboxState::ready;
        result.created_at = berth::now();
        return result;
    }
    static berth::SandboxInfo info(std::string_view id, const berth::SandboxConfig& config) {
        berth::SandboxInfo result = info(id);
        result.environment = config.environment();
        result.idempotency_key = config.idempotency_key();
        result.name = config.name();
        return result;
    }
};

/// The plugin of the test program; see scripted_plugin.cpp.
class ScriptedPlugin {
public:
    ScriptedPlugin(berth::Host host, const berth::Settings& settings, berth::Call& call) {
        script().open(host, settings, call);
    }
    berth::SandboxInfo create(berth::Call& call, const berth::SandboxConfig& config, berth::FileSource& files) {
        return script().create(call, config, files);
    }
    berth::SandboxInfo get(berth::Call& call, std::string_view id) { return script().get(call, id); }
    void list(berth::Call& call, berth::InfoSink& sink) { script().list(call, sink); }
    void destroy(berth::Call& call, std::string_view id) { script().destroy(call, id); }
    berth::ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                              berth::ProcessSink& sink) {
        return script().execute(call, id, process, sink);
    }
    berth::ProcessEnd execute_stream(berth::Call& call, std::string_view id, const berth::Process& process,
                                     berth::ProcessSink& sink) {
        return script().execute(call, id, process, sink);
    }
    void upload_files(berth::Call& call, std::string_view id, berth::FileSource& source) {
        script().upload(call, id, source);
    }
    void download_files(berth::Call& call, std::string_view id, berth::Paths paths, berth::FileSink& sink) {
        script().download(call, id, paths, sink);
    }
    berth::Usage get_resource_usage(berth::Call& call, std::string_view id) { return script().usage(call, id); }
    bool is_ready(berth::Call& call, std::string_view id) { return script().is_ready(call, id); }
    berth::SandboxInfo restart(berth::Call& call, std::string_view id) { return script().get(call, id); }
    void get_logs(berth::Call& call, std::string_view id, const berth::LogOptions& options, berth::ByteSink& sink) {
        script().logs(call, id, options, sink);
    }
    void set_environment_variables(berth::Call& call, std::string_view id, berth::Pairs set, berth::Strings unset) {
        script().set_env(call, id, set, unset);
    }
    berth::Variables get_environment_variables(berth::Call& call, std::string_view id) {
        return script().get_env(call, id);
    }
    berth::Features features(berth::Call& call) { return script().features(call); }

private:
    static Script& script() { return *Script::current(); }
};
