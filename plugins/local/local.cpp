// local.so: the embedded provider, in the words of the contract. Everything it does is done elsewhere; this file only
// translates between the SDK's face and the rooms of `local`.
#include <berth/provider.hpp>

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "etc_tree.hpp"
#include "failure.hpp"
#include "sandboxes.hpp"

namespace {

namespace rooms = berth_local;

berth::Error error_of(const rooms::Failure& failure) {
    berth::Error error(static_cast<berth::Code>(failure.code), failure.message);
    error.outcome(static_cast<berth::Outcome>(failure.outcome));
    if (!failure.hint.empty()) {
        error.hint(failure.hint);
    }
    for (const auto& [name, value] : failure.details) {
        error.detail(name, value);
    }
    if (failure.index) {
        error.index(*failure.index);
    }
    if (!failure.path.empty()) {
        error.path(failure.path);
    }
    return error;
}

// Runs `action` and turns the rooms' failures into the face's.
template <class Action>
auto translated(Action&& action) {
    try {
        return std::forward<Action>(action)();
    } catch (const rooms::Failure& failure) {
        throw error_of(failure);
    }
}

std::optional<rooms::Event> event_of(const berth::Event& event) {
    switch (event.kind) {
        case berth::EventKind::cancel:
            return rooms::Event{rooms::Event::Kind::cancel, 0};
        case berth::EventKind::signal:
            return rooms::Event{rooms::Event::Kind::signal, event.signal};
        case berth::EventKind::detach:
            return rooms::Event{rooms::Event::Kind::detach, 0};
        case berth::EventKind::resize:
            break;  // there are no terminals yet, so no host sends it
    }
    return std::nullopt;
}

class FaceCaller : public rooms::Caller {
public:
    explicit FaceCaller(berth::Call& call) : call_(call) {}
    [[nodiscard]] bool cancelled() const override { return call_.cancelled(); }
    [[nodiscard]] int events() override { return call_.events_fd(); }
    [[nodiscard]] std::optional<rooms::Event> next_event() override {
        while (const std::optional<berth::Event> event = call_.next_event()) {
            if (const auto known = event_of(*event)) {
                return known;
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] int input() override { return call_.stdin_fd(); }
    [[nodiscard]] std::int64_t begin_cleanup(std::int64_t wanted_ms) override {
        return call_.begin_cleanup(berth::Duration{wanted_ms}).count();
    }

private:
    berth::Call& call_;
};

class FaceProcessSink : public rooms::ProcessSink {
public:
    explicit FaceProcessSink(berth::ProcessSink& sink) : sink_(sink) {}
    void started(std::optional<std::int64_t> pid) override { sink_.started(pid); }
    Taken output(std::int32_t stream, std::string_view bytes,
                 const std::function<void(const rooms::Event&)>& on_event) override {
        const auto handle = [&](const berth::Event& event) {
            if (const auto known = event_of(event)) {
                on_event(*known);
            }
        };
        const berth::Stream to = stream == BERTH_STDOUT ? berth::Stream::out : berth::Stream::err;
        return sink_.output(to, bytes, handle) == berth::Delivered::taken ? Taken::all : Taken::enough;
    }

private:
    berth::ProcessSink& sink_;
};

class FaceSource : public rooms::EntrySource {
public:
    explicit FaceSource(berth::FileSource& source) : source_(source) {}
    bool next(rooms::TransferEntry& entry) override {
        const std::optional<berth::FileEntry> from = source_.next();
        if (from) {
            entry = {static_cast<rooms::protocol::Kind>(from->kind),
                     from->operation,
                     from->path,
                     from->link_target,
                     from->length,
                     from->mode,
                     from->top};
        }
        return from.has_value();
    }
    std::size_t read(char* buffer, std::size_t capacity) override { return source_.read(buffer, capacity); }
    int pipe() override { return source_.pipe(); }
    void done(std::uint64_t operation) override { source_.done(operation); }

private:
    berth::FileSource& source_;
};

class FaceFileSink : public rooms::EntrySink {
public:
    explicit FaceFileSink(berth::FileSink& sink) : sink_(sink) {}
    void begin(const rooms::TransferEntry& entry) override {
        sink_.begin({static_cast<berth::EntryKind>(entry.kind), entry.operation, entry.path, entry.target, entry.length,
                     entry.mode, entry.top});
    }
    void write(std::string_view bytes) override { sink_.write(bytes); }
    void commit() override { sink_.commit(); }
    void skip(std::uint64_t operation, std::string_view path, std::string_view reason) override {
        sink_.skip({berth::EntryKind::file, operation, path, {}, {}, {}, path.empty()}, reason);
    }

private:
    berth::FileSink& sink_;
};

std::vector<rooms::NamedValue> values_of(const berth::Pairs& pairs) {
    std::vector<rooms::NamedValue> values;
    for (const berth::Pair pair : pairs) {
        values.push_back({std::string(pair.name), std::string(pair.value), pair.secret});
    }
    return values;
}

std::optional<std::string> text_of(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<std::int64_t> milliseconds_of(std::optional<berth::Duration> time) {
    return time ? std::optional<std::int64_t>(time->count()) : std::nullopt;
}

berth::SandboxState state_of(rooms::State state) {
    switch (state) {
        case rooms::State::initializing:
            return berth::SandboxState::initializing;
        case rooms::State::ready:
            return berth::SandboxState::ready;
        case rooms::State::busy:
            return berth::SandboxState::busy;
        case rooms::State::stopped:
            break;
    }
    return berth::SandboxState::stopped;
}

berth::SandboxInfo info_of(const rooms::Info& from) {
    const rooms::Record& record = from.record;
    berth::SandboxInfo info;
    info.id = record.id;
    info.state = state_of(from.state);
    info.created_at = berth::Time{berth::Duration{record.created_at_ms}};
    if (from.last_used_at_ms) {
        info.last_used_at = berth::Time{berth::Duration{*from.last_used_at_ms}};
    }
    for (const rooms::NamedValue& value : record.environment) {
        info.environment.env.set(value.name, value.value, value.secret);
    }
    info.environment.cwd = record.directory;
    info.environment.timeout = berth::Duration{record.timeout_ms};
    info.network = record.host_network ? berth::Network::host : berth::Network::none;
    info.persistent = record.persistent;
    info.idempotency_key = record.idempotency_key;
    info.name = record.name;
    info.template_name = "host";
    for (const rooms::NamedValue& label : record.labels) {
        info.labels.set(label.name, label.value);
    }
    info.facts.set("isolation", "bubblewrap");
    info.facts.set("state_path", from.state_path);
    if (record.uid) {
        info.facts.set("uid", std::to_string(*record.uid));
    }
    if (from.first_process) {
        info.facts.set("first_process", std::to_string(*from.first_process));
    }
    return info;
}

rooms::RunRequest request_of(const berth::Process& process) {
    rooms::RunRequest request;
    request.process.arguments.emplace_back(process.command());
    for (const std::string_view argument : process.args()) {
        request.process.arguments.emplace_back(argument);
    }
    request.process.input = process.input();
    request.process.live_input = process.live_stdin();
    request.process.discard_stdout = process.discards(berth::Stream::out);
    request.process.discard_stderr = process.discards(berth::Stream::err);
    request.process.kill_background = process.kills_background();
    request.process.kill_grace_ms = process.kill_grace().count();
    request.process.drain_grace_ms = process.drain_grace().count();
    request.directory = text_of(process.environment().cwd());
    request.timeout_ms = milliseconds_of(process.environment().timeout());
    request.environment = values_of(process.environment().env());
    return request;
}

// The build and the install tree agree: lib/berth/plugins/local.so, lib/berth/berth-init.
std::string beside_this_plugin(const std::string& name) {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void*>(&beside_this_plugin), &info) == 0 || info.dli_fname == nullptr) {
        return name;
    }
    const std::string path = info.dli_fname;
    return path.substr(0, path.rfind('/') + 1) + "../" + name;
}

std::string default_state_directory(bool root) {
    if (root) {
        return "/var/lib/berth/local";
    }
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
        return std::string(state) + "/berth/local";
    }
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
        return std::string(home) + "/.local/state/berth/local";
    }
    throw berth::Error(berth::Code::invalid_argument, "neither HOME nor XDG_STATE_HOME says where state may be kept")
        .hint("set state_dir in the provider's config in berth.yaml");
}

rooms::Settings settings_of(const berth::Host& host, const berth::Settings& from) {
    const bool root = ::geteuid() == 0;
    rooms::Settings settings;
    settings.provider = host.provider_name();
    const auto state_directory = from.find<std::string>("/state_dir");
    settings.state_directory = state_directory ? *state_directory : default_state_directory(root);
    if (settings.state_directory.empty() || settings.state_directory.front() != '/') {
        throw berth::Error(berth::Code::invalid_argument, "state_dir must be an absolute path");
    }
    settings.claims_directory = "/var/lib/berth/uids";
    settings.init_program = beside_this_plugin("berth-init");
    settings.own_accounts = root;
    settings.uid_range = rooms::default_uid_range();
    settings.uid_range.first = from.get<std::uint32_t>("/uid_range/first", settings.uid_range.first);
    settings.uid_range.count = from.get<std::uint32_t>("/uid_range/count", settings.uid_range.count);
    settings.host_network = from.get<std::string>("/network", "none") == "host";
    return settings;
}

class Local {
public:
    Local(berth::Host host, const berth::Settings& settings)
        : sandboxes_(translated([&] { return rooms::Sandboxes(settings_of(host, settings)); })) {}

    berth::SandboxInfo create(berth::Call& call, const berth::SandboxConfig& config, berth::FileSource& initial_files) {
        if (!config.extra().empty()) {
            throw berth::Error(berth::Code::invalid_argument, "the provider local knows no extra wishes");
        }
        FaceCaller caller(call);
        FaceSource files(initial_files);
        rooms::CreateRequest request;
        request.idempotency_key = config.idempotency_key();
        request.name = text_of(config.name());
        request.directory = text_of(config.environment().cwd());
        request.timeout_ms = milliseconds_of(config.environment().timeout());
        if (config.network() != berth::Network::unspecified) {
            request.host_network = config.network() == berth::Network::host;
        }
        request.persistent = config.persistent();
        request.environment = values_of(config.environment().env());
        request.labels = values_of(config.labels());
        for (const std::string_view line : config.setup_commands()) {
            request.setup_commands.emplace_back(line);
        }
        return translated([&] {
            return info_of(sandboxes_.create(request, files, caller,
                                             [&](const rooms::Info& info) { call.announce(info_of(info)); }));
        });
    }

    berth::SandboxInfo get(berth::Call&, std::string_view id) {
        return translated([&] { return info_of(sandboxes_.get(id)); });
    }

    std::vector<berth::SandboxInfo> list(berth::Call& call) {
        FaceCaller caller(call);
        return translated([&] {
            std::vector<berth::SandboxInfo> infos;
            for (const rooms::Info& info : sandboxes_.list(caller)) {
                infos.push_back(info_of(info));
            }
            return infos;
        });
    }

    void destroy(berth::Call& call, std::string_view id) {
        FaceCaller caller(call);
        translated([&] { sandboxes_.destroy(id, caller); });
    }

    berth::ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                              berth::ProcessSink& sink) {
        return execute_stream(call, id, process, sink);
    }

    berth::ProcessEnd execute_stream(berth::Call& call, std::string_view id, const berth::Process& process,
                                     berth::ProcessSink& sink) {
        FaceCaller caller(call);
        FaceProcessSink to(sink);
        return translated([&] {
            const rooms::ProcessEnd end = sandboxes_.run(id, request_of(process), caller, to);
            std::optional<berth::Duration> duration;
            if (end.duration_ms) {
                duration = berth::Duration{*end.duration_ms};
            }
            return berth::ProcessEnd{static_cast<berth::EndKind>(end.kind), end.exit_code, end.signal, duration};
        });
    }

    void upload_files(berth::Call& call, std::string_view id, berth::FileSource& source) {
        FaceCaller caller(call);
        FaceSource files(source);
        translated([&] { sandboxes_.upload_files(id, files, caller); });
    }

    void download_files(berth::Call& call, std::string_view id, berth::Paths paths, berth::FileSink& sink) {
        FaceCaller caller(call);
        FaceFileSink files(sink);
        std::vector<std::string> wanted;
        for (const std::string_view path : paths) {
            wanted.emplace_back(path);
        }
        translated([&] { sandboxes_.download_files(id, wanted, files, caller); });
    }

    berth::Usage get_resource_usage(berth::Call& call, std::string_view id) {
        FaceCaller caller(call);
        const rooms::UsageFigures figures = translated([&] { return sandboxes_.usage(id, caller); });
        berth::Usage usage;
        usage.cpu_percent = figures.cpu_percent;
        usage.memory_bytes = figures.memory_bytes;
        usage.disk_bytes = figures.disk_bytes;
        usage.process_count = figures.process_count;
        usage.sampled_at = berth::Time{berth::Duration{figures.sampled_at_ms}};
        return usage;
    }

    bool is_ready(berth::Call&, std::string_view id) {
        return translated([&] { return sandboxes_.is_ready(id); });
    }

    berth::SandboxInfo restart(berth::Call& call, std::string_view id) {
        FaceCaller caller(call);
        return translated([&] { return info_of(sandboxes_.restart(id, caller)); });
    }

private:
    rooms::Sandboxes sandboxes_;
};

}  // namespace

BERTH_PLUGIN(Local, R"({
  "name": "local",
  "version": "0.1.0",
  "description": "Sandboxes on this machine, isolated by bubblewrap: no daemon, no images, no account",
  "license": "Apache-2.0",
  "contract": 1,
  "features": ["stdin", "signals", "detach", "network_none", "network_host", "persistent", "restart_keeps_files"],
  "config": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "state_dir": {
        "type": "string",
        "minLength": 1,
        "description": "where sandboxes are kept: an absolute path; as root /var/lib/berth/local, else $XDG_STATE_HOME/berth/local"
      },
      "uid_range": {
        "type": "object",
        "additionalProperties": false,
        "description": "as root: the accounts that sandboxes get, one each; they must belong to nobody else",
        "properties": {
          "first": { "type": "integer", "minimum": 1000, "maximum": 4294000000, "description": "the first uid" },
          "count": { "type": "integer", "minimum": 1, "maximum": 1000000, "description": "how many there are" }
        }
      },
      "network": {
        "type": "string",
        "enum": ["none", "host"],
        "default": "none",
        "description": "what a sandbox reaches when nobody says: nothing, or whatever this machine reaches"
      }
    }
  }
})")
