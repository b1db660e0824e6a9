// local.so: the embedded provider, in the words of the contract. Everything it does is done elsewhere: here are its
// settings, its methods one by one, and its manifest.
#include <berth/provider.hpp>

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "face.hpp"
#include "features.hpp"
#include "sandboxes.hpp"

namespace {

namespace rooms = berth_local;
using namespace rooms::face;

// The build and the install tree agree: lib/berth/plugins/local.so, lib/berth/berth-init.
std::string beside_this_plugin(const std::string& name) {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void*>(&beside_this_plugin), &info) == 0 || info.dli_fname == nullptr) {
        return name;
    }
    const std::string path = info.dli_fname;
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    // Loaded from a private copy, the folder where the file itself lies is told by a link beside the copy.
    std::array<char, PATH_MAX> origin{};
    const auto length = ::readlink((folder + "origin").c_str(), origin.data(), origin.size());
    const bool copied = length > 0 && static_cast<std::size_t>(length) < origin.size();
    return (copied ? std::string(origin.data(), static_cast<std::size_t>(length)) + "/" : folder) + "../" + name;
}

std::string default_state_directory(bool root) {
    if (root) {
        return "/var/lib/berth/local";
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): reads only; who changes variables beside threads of its own is at fault
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
        return std::string(state) + "/berth/local";
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the same
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
    settings.root_program = beside_this_plugin("berth-root");
    settings.tar_program = beside_this_plugin("berth-tar");
    settings.own_accounts = root;
    settings.uid_range = rooms::default_uid_range();
    settings.uid_range.first = from.get<std::uint32_t>("/uid_range/first", settings.uid_range.first);
    settings.uid_range.count = from.get<std::uint32_t>("/uid_range/count", settings.uid_range.count);
    settings.template_uid_range = rooms::default_template_uid_range();
    settings.template_uid_range.first =
        from.get<std::uint32_t>("/template_uid_range/first", settings.template_uid_range.first);
    settings.template_uid_range.count =
        from.get<std::uint32_t>("/template_uid_range/count", settings.template_uid_range.count);
    for (const std::string& name : from.keys("/templates")) {
        settings.templates[name] = from.get<std::string>("/templates/" + name + "/path");
    }
    settings.network = rooms::network_from(from.get<std::string>("/network", "none"));
    settings.user_namespaces =
        from.get<bool>("/user_namespaces", false) ? rooms::UserNamespaces::allowed : rooms::UserNamespaces::off;
    return settings;
}

class Local {
public:
    Local(berth::Host host, const berth::Settings& settings) : Local(settings_of(host, settings)) {}

    berth::Features features(berth::Call&) {
        berth::Features features;
        translated([&] {
            for (const rooms::WithdrawnFeature& feature : rooms::withdrawn_features(settings_)) {
                features.withdraw(feature.name, feature.reason);
            }
        });
        return features;
    }

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
        request.memory_limit_mib = config.environment().memory_limit_mib();
        request.cpu_limit = config.environment().cpu_limit();
        request.pids_limit = config.pids_limit();
        request.ttl_ms = milliseconds_of(config.ttl());
        request.idle_ttl_ms = milliseconds_of(config.idle_ttl());
        if (config.network() != berth::Network::unspecified) {
            request.network = network_of(config.network());
        }
        request.template_name = text_of(config.template_name());
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
        usage.network_received_bytes = figures.network_received_bytes;
        usage.network_sent_bytes = figures.network_sent_bytes;
        usage.memory_limit_bytes = figures.memory_limit_bytes;
        usage.cpu_limit_percent = figures.cpu_limit_percent;
        usage.disk_limit_bytes = figures.disk_limit_bytes;
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

    std::string create_snapshot(berth::Call& call, std::string_view id, std::string_view name) {
        FaceCaller caller(call);
        return translated([&] { return sandboxes_.create_snapshot(id, name, caller); });
    }

    void restore_snapshot(berth::Call& call, std::string_view id, std::string_view snapshot) {
        FaceCaller caller(call);
        translated([&] { sandboxes_.restore_snapshot(id, snapshot, caller); });
    }

    std::vector<berth::SnapshotInfo> list_snapshots(berth::Call&) {
        std::vector<berth::SnapshotInfo> infos;
        for (const rooms::SnapshotRecord& from : translated([&] { return sandboxes_.list_snapshots(); })) {
            infos.push_back({from.id,
                             from.name,
                             from.sandbox,
                             berth::Time{berth::Duration{from.created_at_ms}},
                             from.copied.bytes,
                             {}});
        }
        return infos;
    }

    void delete_snapshot(berth::Call& call, std::string_view snapshot) {
        FaceCaller caller(call);
        translated([&] { sandboxes_.delete_snapshot(snapshot, caller); });
    }

    void get_logs(berth::Call& call, std::string_view id, const berth::LogOptions& options, berth::ByteSink& sink) {
        FaceCaller caller(call);
        rooms::LogRequest request;
        request.lines = options.lines();
        if (const auto since = options.since()) {
            request.since_ms = since->time_since_epoch().count();
        }
        request.follow = options.follow();
        translated([&] {
            sandboxes_.logs(id, request, caller,
                            [&](std::string_view lines) { return sink.write(lines) == berth::Delivered::taken; });
        });
    }

    void set_environment_variables(berth::Call& call, std::string_view id, berth::Pairs set, berth::Strings unset) {
        FaceCaller caller(call);
        std::vector<std::string> names;
        for (const std::string_view name : unset) {
            names.emplace_back(name);
        }
        translated([&] { sandboxes_.set_environment(id, values_of(set), names, caller); });
    }

    berth::Variables get_environment_variables(berth::Call&, std::string_view id) {
        berth::Variables variables;
        for (const rooms::NamedValue& value : translated([&] { return sandboxes_.environment(id); })) {
            variables.set(value.name, value.value, value.secret);
        }
        return variables;
    }

private:
    explicit Local(rooms::Settings settings)
        : settings_(std::move(settings)), sandboxes_(translated([&] { return rooms::Sandboxes(settings_); })) {}

    rooms::Settings settings_;
    rooms::Sandboxes sandboxes_;
};

}  // namespace

BERTH_PLUGIN(Local, R"({
  "name": "local",
  "version": "0.1.0",
  "description": "Sandboxes on this machine, isolated by bubblewrap: no daemon, no images, no account",
  "license": "Apache-2.0",
  "contract": 1,
  "features": ["stdin", "tty", "signals", "detach", "network_none", "network_host", "network_outbound", "persistent",
    "template", "restart_keeps_files", "log_follow", "memory_limit", "cpu_limit", "pids_limit", "disk_limit",
    "process_limits", "ttl", "idle_ttl"],
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
      "template_uid_range": {
        "type": "object",
        "additionalProperties": false,
        "description": "as root: the ids for sandboxes from templates, 65536 for each; they must belong to nobody else",
        "properties": {
          "first": { "type": "integer", "minimum": 65536, "maximum": 4294000000, "description": "the first uid and gid" },
          "count": { "type": "integer", "minimum": 131072, "maximum": 4294000000, "description": "how many there are" }
        }
      },
      "templates": {
        "type": "object",
        "description": "roots that sandboxes can start from, by the name that --template takes",
        "additionalProperties": {
          "type": "object",
          "additionalProperties": false,
          "required": ["path"],
          "properties": {
            "path": {
              "type": "string",
              "minLength": 1,
              "description": "a root directory, or a tar file of one (plain, gzip, xz or zstd): an absolute path"
            }
          }
        }
      },
      "network": {
        "type": "string",
        "enum": ["none", "host", "outbound"],
        "default": "none",
        "description": "what a sandbox reaches when nobody says: nothing, whatever this machine reaches, or the world outside this machine"
      },
      "user_namespaces": {
        "type": "boolean",
        "default": false,
        "description": "let programs inside make user namespaces (browsers, bubblewrap): opens much more of the kernel to them"
      }
    }
  }
})")
