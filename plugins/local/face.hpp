// Between the SDK's face and the rooms of `local`: one small adapter for each thing that crosses. Used by local.cpp
// alone.
#pragma once

#include <berth/provider.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "environment.hpp"
#include "failure.hpp"
#include "sandboxes.hpp"

namespace berth_local::face {

namespace rooms = berth_local;

inline berth::Error error_of(const rooms::Failure& failure) {
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

inline std::optional<rooms::Event> event_of(const berth::Event& event) {
    switch (event.kind) {
        case berth::EventKind::cancel:
            return rooms::Event{rooms::Event::Kind::cancel};
        case berth::EventKind::signal:
            return rooms::Event{rooms::Event::Kind::signal, event.signal};
        case berth::EventKind::detach:
            return rooms::Event{rooms::Event::Kind::detach};
        case berth::EventKind::resize:
            return rooms::Event{rooms::Event::Kind::resize, 0, event.rows, event.columns};
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
    void progress(const std::string& what) override { call_.progress(what); }

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

inline std::vector<rooms::NamedValue> values_of(const berth::Pairs& pairs) {
    std::vector<rooms::NamedValue> values;
    for (const berth::Pair pair : pairs) {
        values.push_back({std::string(pair.name), std::string(pair.value), pair.secret});
    }
    return values;
}

inline std::optional<std::string> text_of(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

inline std::optional<std::int64_t> milliseconds_of(std::optional<berth::Duration> time) {
    return time ? std::optional<std::int64_t>(time->count()) : std::nullopt;
}

inline berth::Network network_of(rooms::Network network) {
    switch (network) {
        case rooms::Network::host:
            return berth::Network::host;
        case rooms::Network::outbound:
            return berth::Network::outbound;
        case rooms::Network::none:
            break;
    }
    return berth::Network::none;
}

inline rooms::Network network_of(berth::Network network) {
    switch (network) {
        case berth::Network::host:
            return rooms::Network::host;
        case berth::Network::outbound:
            return rooms::Network::outbound;
        case berth::Network::unspecified:
        case berth::Network::none:
        case berth::Network::allow_list:
            break;  // the host lets no other through: they need features that we do not have
    }
    return rooms::Network::none;
}

inline berth::SandboxState state_of(rooms::State state) {
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

inline berth::SandboxInfo info_of(const rooms::Info& from) {
    const rooms::Record& record = from.record;
    berth::SandboxInfo info;
    info.id = record.id;
    info.state = state_of(from.state);
    info.created_at = berth::Time{berth::Duration{record.created_at_ms}};
    if (from.last_used_at_ms) {
        info.last_used_at = berth::Time{berth::Duration{*from.last_used_at_ms}};
    }
    if (from.expires_at_ms) {
        info.expires_at = berth::Time{berth::Duration{*from.expires_at_ms}};
    }
    for (const rooms::NamedValue& value : rooms::whole_environment(record)) {
        info.environment.env.set(value.name, value.value, value.secret);
    }
    info.environment.cwd = record.directory;
    info.environment.timeout = berth::Duration{record.timeout_ms};
    info.network = network_of(record.network);
    info.environment.memory_limit_mib = record.memory_limit_mib;
    info.environment.cpu_limit = record.cpu_limit;
    info.persistent = record.persistent;
    info.idempotency_key = record.idempotency_key;
    info.name = record.name;
    info.template_name = record.root ? record.root->name : rooms::host_template;
    for (const rooms::NamedValue& label : record.labels) {
        info.labels.set(label.name, label.value);
    }
    info.facts.set("isolation", "bubblewrap");
    info.facts.set("state_path", from.state_path);
    info.facts.set("snapshots",
                   std::string(record.root ? "overlay upper, " : "") + (from.clones_snapshots ? "reflink" : "copy"));
    info.facts.set("root", record.root ? "template " + record.root->name : rooms::host_template);
    if (record.root) {
        info.facts.set("root_mount", rooms::root_mount_of(*record.root));
        info.facts.set("ids", std::to_string(record.root->ids) + "-" +
                                  std::to_string(record.root->ids + rooms::ids_of_a_template - 1));
    }
    if (record.uid) {
        info.facts.set("uid", std::to_string(*record.uid));
    }
    if (record.pids_limit) {
        info.facts.set("pids_limit", std::to_string(*record.pids_limit));
    }
    if (from.first_process) {
        info.facts.set("first_process", std::to_string(*from.first_process));
    }
    if (record.network == rooms::Network::outbound && from.first_process) {
        info.facts.set("network_helper", from.network_helper ? std::to_string(*from.network_helper)
                                                             : "gone: the sandbox reaches nothing until a restart");
    }
    return info;
}

inline rooms::RunRequest request_of(const berth::Process& process) {
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
    if (const std::optional<berth::Terminal> terminal = process.terminal()) {
        request.process.terminal = rooms::TerminalSize{terminal->rows, terminal->columns};
        request.terminal_name = terminal->name;
    }
    request.directory = text_of(process.environment().cwd());
    request.timeout_ms = milliseconds_of(process.environment().timeout());
    request.memory_limit_mib = process.environment().memory_limit_mib();
    request.cpu_limit = process.environment().cpu_limit();
    request.environment = values_of(process.environment().env());
    return request;
}

}  // namespace berth_local::face
