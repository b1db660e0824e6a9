// vercel.so: sandboxes at Vercel, in the words of the contract. Everything it does is done elsewhere: here are its methods
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

namespace rooms = berth_vercel;
using berth::Code;
using berth::Error;

class Vercel {
public:
    Vercel(berth::Host host, const berth::Settings& settings) : backend_(host, rooms::read_settings(host, settings)) {}

    berth::SandboxInfo create(berth::Call& call, const berth::SandboxConfig& config, berth::FileSource& files) {
        return rooms::create_sandbox(backend_, call, config, files);
    }
    berth::SandboxInfo get(berth::Call& call, std::string_view id) { return rooms::get_sandbox(backend_, call, id); }
    std::vector<berth::SandboxInfo> list(berth::Call& call) { return rooms::list_sandboxes(backend_, call); }
    void destroy(berth::Call& call, std::string_view id) { rooms::destroy_sandbox(backend_, call, id); }

    berth::ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                              berth::ProcessSink& sink) {
        return rooms::run_process(backend_, call, id, process, sink);
    }
    berth::ProcessEnd execute_stream(berth::Call& call, std::string_view id, const berth::Process& process,
                                     berth::ProcessSink& sink) {
        return rooms::run_process(backend_, call, id, process, sink);
    }

    void upload_files(berth::Call& call, std::string_view id, berth::FileSource& source) {
        const rooms::Record record = running(call, id);
        rooms::VercelSandbox inside(backend_, call, {std::string{id}, record.session});
        berth_cloud::Upload(inside, call, record.directory()).take(source);
        backend_.used(call, id, record);
    }
    void download_files(berth::Call& call, std::string_view id, berth::Paths paths, berth::FileSink& sink) {
        const rooms::Record record = running(call, id);
        std::vector<std::string> wanted;
        for (const std::string_view path : paths)
            wanted.emplace_back(path);
        rooms::VercelSandbox inside(backend_, call, {std::string{id}, record.session});
        berth_cloud::download_files(inside, call, record.directory(), wanted, sink);
        backend_.used(call, id, record);
    }

    berth::Usage get_resource_usage(berth::Call& call, std::string_view id) {
        return rooms::usage_of(backend_, call, id);
    }
    bool is_ready(berth::Call& call, std::string_view id) {
        try {
            return backend_.look(call, id).runs();
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

    std::string get_logs(berth::Call& call, std::string_view id, const berth::LogOptions& options) {
        (void)backend_.look(call, id);
        return backend_.log.read(call, id, options);
    }

    void set_environment_variables(berth::Call& call, std::string_view id, berth::Pairs set, berth::Strings unset) {
        (void)known(call, id);
        const std::vector<std::string> gone(unset.begin(), unset.end());
        (void)backend_.records.change(
            call, id, [&](rooms::Record& record) { berth_cloud::change_variables(record.env, set, gone); });
    }
    berth::Variables get_environment_variables(berth::Call& call, std::string_view id) { return known(call, id).env; }

private:
    rooms::Record known(berth::Call& call, std::string_view id) {
        return backend_.refresh(call, backend_.look(call, id));
    }
    rooms::Record running(berth::Call& call, std::string_view id) {
        const rooms::SandboxAnswer now = backend_.look(call, id);
        if (!now.session || (!now.runs() && now.status() != "pending"))
            throw Error(Code::not_ready, "the sandbox is " + now.status()).hint("restart it");
        return backend_.refresh(call, now);
    }

    rooms::Backend backend_;
};

}  // namespace

BERTH_PLUGIN(Vercel, R"({
  "name": "vercel",
  "version": "0.1.0",
  "description": "Sandboxes at Vercel (Vercel Sandbox): microVMs, paid by use",
  "homepage": "https://vercel.com/docs/vercel-sandbox",
  "license": "Apache-2.0",
  "contract": 1,
  "features": ["signals", "detach", "network_none", "network_outbound", "network_allow_list", "persistent", "template",
    "restart_keeps_files"],
  "config": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "token": {
        "type": "string", "writeOnly": true, "x-env": ["VERCEL_TOKEN"],
        "x-env-unless": ["api_key", "api_token", "oidc_token"],
        "description": "an access token; team_id and project_id belong to it"
      },
      "api_key": { "type": "string", "writeOnly": true, "description": "another name for token" },
      "api_token": { "type": "string", "writeOnly": true, "description": "another name for token" },
      "oidc_token": {
        "type": "string", "writeOnly": true, "x-env": ["VERCEL_OIDC_TOKEN"],
        "x-env-unless": ["token", "api_key", "api_token"],
        "description": "an OIDC token, which names team and project itself; used when there is no access token"
      },
      "team_id": {
        "type": "string", "minLength": 1, "x-env": ["VERCEL_TEAM_ID"], "x-env-unless": ["oidc_token"],
        "description": "team_..."
      },
      "project_id": {
        "type": "string", "minLength": 1, "x-env": ["VERCEL_PROJECT_ID"], "x-env-unless": ["oidc_token"],
        "description": "prj_..., or the project's name"
      },
      "api_url": {
        "type": "string", "minLength": 1, "default": "https://vercel.com/api",
        "description": "the address of the API"
      },
      "runtime": {
        "type": "string", "minLength": 1,
        "description": "node22, node24, node26, python3.13; nodejs means node24; without it and image Vercel's default image"
      },
      "image": { "type": "string", "minLength": 1, "description": "a container image, such as vercel/sandbox/node:24" },
      "templates": {
        "type": "object",
        "description": "what --template takes, and the runtime, image or snapshot (snap_...) that it stands for",
        "additionalProperties": { "type": "string", "minLength": 1 }
      },
      "region": { "type": "string", "minLength": 1, "description": "such as iad1 or fra1; Vercel's default is iad1" },
      "vcpus": { "type": "integer", "minimum": 1, "maximum": 32, "description": "1 or even; 2048 MiB come with each" },
      "function_memory": {
        "type": "integer", "minimum": 1, "maximum": 65536,
        "description": "MiB, rounded up to what vCPUs bring: another way to say vcpus"
      },
      "max_duration": {
        "type": "integer", "minimum": 1, "maximum": 86400,
        "description": "seconds after which Vercel stops a sandbox that runs; Vercel's default is 300"
      },
      "persistent": {
        "type": "boolean", "default": true,
        "description": "keep a stopped sandbox's files as a snapshot, which is billed; false loses them with each stop"
      },
      "snapshot_expiration_days": {
        "type": "integer", "minimum": 0, "maximum": 365, "default": 7,
        "description": "how long after their last use such snapshots are kept; 0: for ever"
      },
      "ports": {
        "type": "array", "maxItems": 15, "items": { "type": "integer", "minimum": 1024, "maximum": 65535 },
        "description": "ports that get a public address"
      }
    }
  }
})")
