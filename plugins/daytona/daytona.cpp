// daytona.so: sandboxes at Daytona, in the words of the contract. Everything it does is done elsewhere: here are its methods
// one by one, and its manifest.
#include "backend.hpp"
#include "cloud/download.hpp"
#include "cloud/upload.hpp"
#include "lifecycle.hpp"
#include "processes.hpp"
#include "sandbox_link.hpp"
#include "snapshots.hpp"
#include "usage.hpp"

namespace {

namespace rooms = berth_daytona;
using berth::Code;
using berth::Error;

class Daytona {
public:
    Daytona(berth::Host host, const berth::Settings& settings) : backend_(host, rooms::read_settings(host, settings)) {}

    berth::SandboxInfo create(berth::Call& call, const berth::SandboxConfig& config, berth::FileSource& files) {
        return rooms::create_sandbox(backend_, call, config, files);
    }
    berth::SandboxInfo get(berth::Call& call, std::string_view id) { return rooms::get_sandbox(backend_, call, id); }
    std::vector<berth::SandboxInfo> list(berth::Call& call) { return rooms::list_sandboxes(backend_, call); }
    void destroy(berth::Call& call, std::string_view id) { rooms::destroy_sandbox(backend_, call, id); }

    berth::ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                              berth::ProcessSink& sink) {
        return rooms::run_process(backend_, call, id, process, sink, rooms::Listening::after_a_look);
    }
    berth::ProcessEnd execute_stream(berth::Call& call, std::string_view id, const berth::Process& process,
                                     berth::ProcessSink& sink) {
        return rooms::run_process(backend_, call, id, process, sink, rooms::Listening::at_once);
    }

    void upload_files(berth::Call& call, std::string_view id, berth::FileSource& source) {
        const rooms::Record record = backend_.running(call, id).record;
        rooms::DaytonaSandbox inside(backend_, call, record.box);
        berth_cloud::Upload(inside, call, record.directory()).take(source);
        backend_.used(call, id, record);
    }
    void download_files(berth::Call& call, std::string_view id, berth::Paths paths, berth::FileSink& sink) {
        const rooms::Record record = backend_.running(call, id).record;
        std::vector<std::string> wanted;
        for (const std::string_view path : paths)
            wanted.emplace_back(path);
        rooms::DaytonaSandbox inside(backend_, call, record.box);
        berth_cloud::download_files(inside, call, record.directory(), wanted, sink);
        backend_.used(call, id, record);
    }

    berth::Usage get_resource_usage(berth::Call& call, std::string_view id) {
        return rooms::usage_of(backend_, call, id);
    }
    // That it is started is not enough: its toolbox must answer.
    bool is_ready(berth::Call& call, std::string_view id) {
        try {
            const rooms::Known known = backend_.look(call, id);
            if (!known.now.runs()) return false;
            (void)backend_.api.version(call, backend_.api.toolbox_of(call, known.now));
            return true;
        } catch (const Error& error) {
            if (error.code() == Code::cancelled || error.code() == Code::auth_failed || error.code() == Code::internal)
                throw;
            if (error.code() != Code::not_found) backend_.warn("is_ready: " + error.message());
            return false;
        }
    }
    berth::SandboxInfo restart(berth::Call& call, std::string_view id) {
        return rooms::restart_sandbox(backend_, call, id);
    }

    std::string create_snapshot(berth::Call& call, std::string_view id, std::string_view name) {
        return rooms::create_snapshot(backend_, call, id, name);
    }
    void restore_snapshot(berth::Call& call, std::string_view id, std::string_view snapshot) {
        rooms::restore_snapshot(backend_, call, id, snapshot);
    }
    std::vector<berth::SnapshotInfo> list_snapshots(berth::Call& call) { return rooms::list_snapshots(backend_, call); }
    void delete_snapshot(berth::Call& call, std::string_view snapshot) {
        rooms::delete_snapshot(backend_, call, snapshot);
    }

    // Our own log; before it, where no time is asked for, what the image's entrypoint printed, whose lines have no times.
    std::string get_logs(berth::Call& call, std::string_view id, const berth::LogOptions& options) {
        const rooms::Known known = backend_.look(call, id);
        std::string own = backend_.log.read(call, id, options);
        if (options.since() || options.lines() || !known.now.runs()) return own;
        try {
            const rooms::CommandLogs entry = backend_.api.entrypoint_logs(call, backend_.running(call, id).record.box);
            return entry.out + entry.err + own;
        } catch (const Error& error) {
            if (error.is_recorded()) throw;
            return own;
        }
    }

    void set_environment_variables(berth::Call& call, std::string_view id, berth::Pairs set, berth::Strings unset) {
        const rooms::Known known = backend_.look(call, id);
        const std::vector<std::string> gone(unset.begin(), unset.end());
        rooms::Record record = backend_.records.change(call, id, [&](rooms::Record& stored) {
            if (stored.current.empty()) stored = known.record;
            berth_cloud::change_variables(stored.env, set, gone);
        });
        if (!known.now.runs()) return;  // given at the next start
        if (record.box.empty()) record.box = backend_.running(call, id).record.box;
        rooms::give_variables(backend_, call, record, gone);
    }
    berth::Variables get_environment_variables(berth::Call& call, std::string_view id) {
        return backend_.look(call, id).record.env;
    }

private:
    rooms::Backend backend_;
};

}  // namespace

BERTH_PLUGIN(Daytona, R"({
  "name": "daytona",
  "version": "0.1.0",
  "description": "Sandboxes at Daytona (platform v0) or at a Daytona of your own",
  "homepage": "https://www.daytona.io/docs",
  "license": "Apache-2.0",
  "contract": 1,
  "features": ["signals", "detach", "network_none", "network_outbound", "network_allow_list", "persistent", "template",
    "restart_keeps_files"],
  "config": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "api_key": {
        "type": "string", "writeOnly": true, "x-env": ["DAYTONA_API_KEY"], "x-env-unless": ["jwt_token"],
        "description": "an API key"
      },
      "jwt_token": {
        "type": "string", "writeOnly": true, "x-env": ["DAYTONA_JWT_TOKEN"], "x-env-unless": ["api_key"],
        "description": "a JWT instead of a key; organization_id belongs to it"
      },
      "organization_id": {
        "type": "string", "minLength": 1, "x-env": ["DAYTONA_ORGANIZATION_ID"],
        "description": "the organization that a JWT is used for"
      },
      "api_url": {
        "type": "string", "minLength": 1, "x-env": ["DAYTONA_API_URL"], "x-env-unless": ["server_url"],
        "description": "the address of the API, with /api; https://app.daytona.io/api unless it is your own"
      },
      "server_url": {
        "type": "string", "minLength": 1, "x-env": ["DAYTONA_SERVER_URL"], "x-env-unless": ["api_url"],
        "description": "the old name of api_url"
      },
      "target": {
        "type": "string", "minLength": 1, "x-env": ["DAYTONA_TARGET"], "description": "a region, such as us or eu"
      },
      "default_template": {
        "type": "string", "minLength": 1,
        "description": "a snapshot of Daytona's, such as daytona-medium, or an image; without it Daytona's default snapshot"
      },
      "image": { "type": "string", "minLength": 1, "description": "a container image, of which Daytona builds sandboxes" },
      "cpus": { "type": "integer", "minimum": 1, "maximum": 256, "description": "cores of a sandbox from an image" },
      "memory_gib": { "type": "integer", "minimum": 1, "maximum": 4096, "description": "memory of one, in GiB" },
      "disk_gib": { "type": "integer", "minimum": 1, "maximum": 65536, "description": "disk of one, in GiB" },
      "templates": {
        "type": "object",
        "description": "what --template takes, and the snapshot or image that it stands for",
        "additionalProperties": { "type": "string", "minLength": 1 }
      },
      "auto_stop_minutes": {
        "type": "integer", "minimum": 0, "maximum": 525600, "default": 15,
        "description": "Daytona stops a sandbox that nobody has talked to for so long; 0: never"
      },
      "workspace": { "type": "string", "description": "refused: Daytona has no workspaces any more" },
      "git_provider": { "type": "string", "description": "refused: it belonged to workspaces" }
    }
  }
})")
