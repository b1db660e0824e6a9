// Daytona's HTTP API, one function for each request that is sent: the control plane, and the toolbox in one sandbox. Knows
// paths, credentials and errors; knows no method of the contract.
#pragma once

#include <atomic>
#include <berth/api_client.hpp>
#include <berth/websocket.hpp>

#include "answers.hpp"
#include "cloud/json_fields.hpp"
#include "settings.hpp"

namespace berth_daytona {

using namespace berth_cloud;  // what its rooms are built of

// A form of several parts, as Daytona takes files in.
struct FileForm {
    std::string boundary;
    std::string body;
    std::size_t count = 0;
    void add(const std::string& path, std::string_view content);
    [[nodiscard]] std::string finish();
};

class Api {
public:
    Api(berth::Host host, const Settings& settings);

    // --- control plane; `sandbox` is an id or a name
    [[nodiscard]] Sandbox create(berth::Call& call, const Json& body) const;
    [[nodiscard]] Sandbox get(berth::Call& call, std::string_view sandbox) const;
    // All pages of those that have all these labels, each once.
    [[nodiscard]] std::vector<Sandbox> list(berth::Call& call, const Json& labels) const;
    void remove(berth::Call& call, std::string_view sandbox) const;
    enum class Change { start, stop, recover };
    void change(berth::Call& call, std::string_view sandbox, Change change) const;
    void set_labels(berth::Call& call, std::string_view sandbox, const Json& labels) const;

    void take_snapshot(berth::Call& call, std::string_view sandbox, const std::string& name) const;
    [[nodiscard]] Snapshot snapshot(berth::Call& call, std::string_view snapshot) const;
    [[nodiscard]] std::vector<Snapshot> snapshots(berth::Call& call) const;
    void remove_snapshot(berth::Call& call, std::string_view id) const;

    // --- toolbox; `box` is its address, as toolbox_of() gives it
    [[nodiscard]] std::string toolbox_of(berth::Call& call, const Sandbox& sandbox) const;
    [[nodiscard]] std::string version(berth::Call& call, const std::string& box) const;
    // How many processes run there; looking is no use of the sandbox.
    [[nodiscard]] std::optional<std::uint64_t> process_count(berth::Call& call, const std::string& box) const;
    [[nodiscard]] std::string metrics(berth::Call& call, const std::string& box) const;
    [[nodiscard]] std::string work_directory(berth::Call& call, const std::string& box) const;
    void set_variables(berth::Call& call, const std::string& box, const Json& set, const Json& unset) const;

    [[nodiscard]] Execution execute(berth::Call& call, const std::string& box, const std::string& command,
                                    std::int64_t timeout_seconds) const;
    void make_session(berth::Call& call, const std::string& box, const std::string& session) const;
    [[nodiscard]] Command start(berth::Call& call, const std::string& box, const std::string& session,
                                const std::string& command) const;
    [[nodiscard]] Command command(berth::Call& call, const std::string& box, const std::string& session,
                                  const std::string& command) const;
    // All of it so far, with its labels; from daemons that split it themselves as JSON, for read_logs().
    [[nodiscard]] berth::Exchange open_log(berth::Call& call, const std::string& box, const std::string& session,
                                           const std::string& command) const;
    // Says once, in the log, why logs are asked for again and again where none can be followed.
    [[nodiscard]] berth::WebSocket follow(berth::Call& call, const std::string& box, const std::string& session,
                                          const std::string& command) const;
    void end_session(berth::Call& call, const std::string& box, const std::string& session) const;
    // The image's own entrypoint; empty when there is none.
    [[nodiscard]] CommandLogs entrypoint_logs(berth::Call& call, const std::string& box) const;

    struct Sending {
        berth::ApiRequest request;
        berth::Exchange exchange;
        std::size_t files = 0;
    };
    [[nodiscard]] Sending begin_upload(berth::Call& call, const std::string& box, FileForm form) const;
    void finish(Sending sending) const;
    void set_mode(berth::Call& call, const std::string& box, const std::string& path, const std::string& octal) const;
    [[nodiscard]] berth::OpenAnswer download(berth::Call& call, const std::string& box, const std::string& path) const;

private:
    [[nodiscard]] berth::ApiClient client(const std::string& base) const;
    [[nodiscard]] berth::Variables identity(berth::Call& call) const;
    berth::HttpResponse send(berth::Call& call, const std::string& base, berth::ApiRequest request) const;
    void warn_of_polling(const berth::Error& error) const;

    berth::Host host_;
    Settings settings_;
    mutable std::atomic<bool> has_warned_of_polling_ = false;
};

}  // namespace berth_daytona
