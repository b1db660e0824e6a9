// Vercel's HTTP API, one function for each request that is sent. Knows paths, credentials and errors; knows no method of
// the contract.
#pragma once

#include <berth/api_client.hpp>
#include <berth/line_reader.hpp>

#include "answers.hpp"
#include "cloud/json_fields.hpp"
#include "credentials.hpp"
#include "settings.hpp"

namespace berth_vercel {

using namespace berth_cloud;  // what its rooms are built of

enum class Resume { no, yes };

class Api {
public:
    Api(berth::Host host, const Settings& settings);

    // --- sandboxes, by name
    // `body` without projectId. With a runtime the API has a path of its own.
    [[nodiscard]] SandboxAnswer create(berth::Call& call, Json body) const;
    [[nodiscard]] SandboxAnswer get(berth::Call& call, std::string_view name, Resume resume = Resume::no) const;
    // All pages of those with this tag.
    [[nodiscard]] std::vector<Sandbox> list(berth::Call& call, const std::string& tag, const std::string& value) const;
    void update(berth::Call& call, std::string_view name, const Json& body) const;
    void remove(berth::Call& call, std::string_view name) const;

    // --- sessions
    [[nodiscard]] Session session(berth::Call& call, std::string_view session) const;
    void stop(berth::Call& call, std::string_view session) const;

    // --- commands
    // Runs one and gives its stream. Never repeated but where it certainly was not run.
    [[nodiscard]] berth::LineReader run(berth::Call& call, std::string_view session, const Json& body) const;
    // Starts one and does not wait for its end.
    void start(berth::Call& call, std::string_view session, const Json& body) const;
    [[nodiscard]] Command command(berth::Call& call, std::string_view session, std::string_view command) const;
    [[nodiscard]] berth::LineReader logs(berth::Call& call, std::string_view session, std::string_view command) const;
    void kill(berth::Call& call, std::string_view session, std::string_view command, int signal) const;

    // --- files
    // An archive on its way; finish() waits until its files are there.
    struct Sending {
        berth::ApiRequest request;
        berth::Exchange exchange;
    };
    [[nodiscard]] Sending begin_archive(berth::Call& call, std::string_view session, std::string archive) const;
    void finish(Sending sending) const;
    void write_archive(berth::Call& call, std::string_view session, std::string archive) const {
        finish(begin_archive(call, session, std::move(archive)));
    }
    [[nodiscard]] berth::OpenAnswer read_file(berth::Call& call, std::string_view session,
                                              const std::string& path) const;

    // --- snapshots
    [[nodiscard]] Snapshot take_snapshot(berth::Call& call, std::string_view session, std::int64_t expiration_ms) const;
    [[nodiscard]] Snapshot snapshot(berth::Call& call, std::string_view id) const;
    // All pages; with a name only those of that sandbox.
    [[nodiscard]] std::vector<Snapshot> snapshots(berth::Call& call, std::string_view name) const;
    void remove_snapshot(berth::Call& call, std::string_view id) const;

private:
    enum class Project { nowhere, as_project_id, as_project };
    berth::ApiRequest prepared(berth::Call& call, berth::ApiRequest request, Project project) const;
    Credentials credentials(berth::Call& call) const;
    berth::HttpResponse send(berth::Call& call, berth::ApiRequest request, Project project = Project::nowhere) const;
    berth::OpenAnswer open(berth::Call& call, berth::ApiRequest request) const;

    berth::Host host_;
    Settings settings_;
    berth::ApiClient client_;
};

// Whether an error is Vercel's answer with this error.code.
[[nodiscard]] bool says(const berth::Error& error, std::string_view code);

// "/v2/sandboxes/sessions/ID" and what follows.
[[nodiscard]] std::string session_path(std::string_view session, std::string_view rest = {});

}  // namespace berth_vercel
