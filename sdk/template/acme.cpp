// Acme: a provider for a REST backend. The requests speak a made-up plain-text protocol; put your backend's in their
// place. What stays is the shape: who undoes what, what a cancel may interrupt, which failure is which error.
#include <berth/provider.hpp>

using berth::Code;
using berth::Error;

namespace {

class Acme {
public:
    Acme(berth::Host host, const berth::Settings& settings)
        : host_(host), url_(settings.get<std::string>("/api_url", "https://api.acme.example")) {}

    berth::SandboxInfo create(berth::Call& call, const berth::SandboxConfig& config, berth::FileSource& files) {
        // It makes something: a cancel waits for the answer, so that what was made can be undone.
        berth::HttpRequest make = request("POST", "/sandboxes");
        make.uninterrupted = true;
        make.headers.set("idempotency-key", config.idempotency_key());
        make.body = environment_text(config.environment().env());
        berth::SandboxInfo info;
        info.id = send(call, make, "the sandbox could not be made").body;
        info.state = berth::SandboxState::initializing;
        info.created_at = berth::now();
        info.environment = config.environment();
        info.idempotency_key = config.idempotency_key();
        info.name = config.name();
        info.labels = config.labels();
        auto undo = call.undo([&] { destroy(call, info.id); });
        call.announce(info);  // a crash from here on leaves no sandbox that nobody can name
        remember(call, info);
        wait_until_ready(call, info.id);
        upload_files(call, info.id, files);
        std::uint64_t index = 0;
        for (std::string_view line : config.setup_commands()) {
            const berth::HttpResponse ran = run(call, info.id, std::string{"sh\0-c\0", 6}.append(line));
            if (exit_code(ran) != 0)
                throw Error(Code::execution_failed, "a setup command failed")
                    .index(index)
                    .detail("command", line)
                    .detail("exit_code", std::to_string(exit_code(ran)))
                    .detail("stdout", ran.body);
            ++index;
        }
        undo.dismiss();
        info.state = berth::SandboxState::ready;
        return info;
    }

    berth::SandboxInfo get(berth::Call& call, std::string_view id) {
        const std::string state = send(call, request("GET", "/sandboxes/" + std::string{id})).body;
        const auto stored = host_.state().get(call, id);
        if (!stored) throw Error(Code::not_found, "this sandbox was not made by Berth");
        berth::SandboxInfo info = parse(id, stored->value);
        info.state = state == "ready"      ? berth::SandboxState::ready
                     : state == "busy"     ? berth::SandboxState::busy
                     : state == "stopped"  ? berth::SandboxState::stopped
                     : state == "starting" ? berth::SandboxState::initializing
                                           : berth::SandboxState::error;
        return info;
    }

    std::vector<berth::SandboxInfo> list(berth::Call& call) {
        std::vector<berth::SandboxInfo> all;
        for (const std::string& id : host_.state().keys(call, ""))
            try {
                all.push_back(get(call, id));
            } catch (const Error& error) {
                if (error.code() != Code::not_found) throw;  // destroyed meanwhile
            }
        return all;
    }

    void destroy(berth::Call& call, std::string_view id) {
        (void)send(call, request("DELETE", "/sandboxes/" + std::string{id}), "the sandbox could not be destroyed");
        if (const auto stored = host_.state().get(call, id)) host_.state().remove(call, id, stored->revision);
    }

    berth::ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                              berth::ProcessSink& sink) {
        return execute_stream(call, id, process, sink);
    }

    berth::ProcessEnd execute_stream(berth::Call& call, std::string_view id, const berth::Process& process,
                                     berth::ProcessSink& sink) {
        std::string argv{process.command()};
        for (std::string_view argument : process.args())
            argv.append(1, '\0').append(argument);
        const berth::HttpResponse ran = run(call, id, argv);
        sink.started();
        if (!process.discards(berth::Stream::out)) (void)sink.output(berth::Stream::out, ran.body);
        return berth::ProcessEnd::exited(exit_code(ran));
    }

    void upload_files(berth::Call& call, std::string_view id, berth::FileSource& source) {
        source.each([&](const berth::FileEntry& entry) {
            if (entry.kind == berth::EntryKind::directory) return;  // this backend makes them by itself
            if (entry.kind == berth::EntryKind::symlink)
                throw Error(Code::unsupported, "this backend keeps no links").path(entry.path).index(entry.operation);
            berth::HttpRequest put =
                request("PUT", "/sandboxes/" + std::string{id} + "/files" + std::string{entry.path});
            put.streamed_body = true;
            put.body_length = entry.length;
            berth::Exchange exchange = host_.http().open(call, authorized(call, std::move(put)));
            char buffer[65536];
            while (const std::size_t got = source.read(buffer, sizeof buffer))
                if (!exchange.write({buffer, got})) break;  // the backend has answered already
            exchange.finish();
            const berth::HttpHead head = exchange.head();
            if (head.status >= 300)
                throw berth::http_error({head.status, {}, head.retry_after, {}}, "a file was not taken")
                    .path(entry.path);
        });
    }

    void download_files(berth::Call& call, std::string_view id, berth::Paths paths, berth::FileSink& sink) {
        for (std::uint64_t n = 0; n < paths.size(); ++n) {
            const std::string path = "/sandboxes/" + std::string{id} + "/files" + std::string{paths[n]};
            berth::Exchange exchange = host_.http().open(call, authorized(call, request("GET", path)));
            const berth::HttpHead head = exchange.head();
            if (head.status == 404) throw Error(Code::file_not_found, "no such file").path(paths[n]).index(n);
            if (head.status >= 300) throw berth::http_error({head.status, {}, {}, {}}, "a file was not given");
            sink.begin({berth::EntryKind::file, n, "", "", head.length, 0644, true});
            char buffer[65536];
            while (const std::size_t got = exchange.read(buffer, sizeof buffer))
                sink.write({buffer, got});
            sink.commit();
        }
    }

    berth::Usage get_resource_usage(berth::Call& call, std::string_view id) {
        (void)get(call, id);
        return {};  // this backend knows nothing; what is unknown stays absent
    }

    bool is_ready(berth::Call& call, std::string_view id) {
        try {
            const berth::SandboxState state = get(call, id).state;
            return state == berth::SandboxState::ready || state == berth::SandboxState::busy;
        } catch (const Error& error) {
            if (error.code() == Code::not_found || error.code() == Code::unavailable) return false;
            throw;
        }
    }

    berth::SandboxInfo restart(berth::Call& call, std::string_view id) {
        (void)send(call, request("POST", "/sandboxes/" + std::string{id} + "/restart"));
        wait_until_ready(call, id);
        return get(call, id);
    }

private:
    berth::HttpRequest request(std::string method, const std::string& path) const {
        berth::HttpRequest request;
        request.repeatable = method != "POST";
        request.method = std::move(method);
        request.url = url_ + path;
        return request;
    }
    /// The token is asked for at each use and never kept: it may expire.
    berth::HttpRequest authorized(berth::Call& call, berth::HttpRequest request) const {
        request.headers.set("authorization", "Bearer " + host_.secret(call, "/token"), true);
        return request;
    }
    berth::HttpResponse send(berth::Call& call, berth::HttpRequest request,
                             std::string failure = "the backend refused") const {
        berth::HttpResponse response = host_.http().send(call, authorized(call, std::move(request)));
        if (response.status >= 300) throw berth::http_error(response, std::move(failure));
        return response;
    }
    /// `argv`: program and arguments, a NUL between two; the answer is what the process put out.
    berth::HttpResponse run(berth::Call& call, std::string_view id, std::string argv) const {
        berth::HttpRequest post = request("POST", "/sandboxes/" + std::string{id} + "/run");
        post.body = std::move(argv);
        return send(call, post, "the process could not be run");
    }
    static int exit_code(const berth::HttpResponse& response) {
        const std::string* code = response.headers.find("x-exit-code");
        if (code == nullptr) throw Error(Code::protocol_error, "the backend did not say how the process ended");
        return std::atoi(code->c_str());
    }
    void wait_until_ready(berth::Call& call, std::string_view id) const {
        for (berth::Duration pause{10};; pause = pause < berth::Duration{2000} ? pause * 2 : pause) {
            const std::string state = send(call, request("GET", "/sandboxes/" + std::string{id})).body;
            if (state == "ready") return;
            if (state == "error") throw Error(Code::unavailable, "the sandbox broke while it was started");
            call.sleep(pause);  // throws when the call is cancelled
        }
    }

    // What the backend cannot keep lies in the host's store: one record for each sandbox, fields ended by NUL.
    void remember(berth::Call& call, const berth::SandboxInfo& info) const {
        std::string record;
        const auto field = [&](std::string_view text) { record.append(text).push_back('\0'); };
        field(std::to_string(info.created_at.time_since_epoch().count()));
        field(info.idempotency_key);
        field(info.name.value_or(""));
        field(info.environment.cwd.value_or(""));
        field(environment_text(info.environment.env));
        field(environment_text(info.labels));
        (void)host_.state().put(call, info.id, record, 0);
    }
    static berth::SandboxInfo parse(std::string_view id, std::string_view record) {
        const auto field = [&] {
            const std::size_t end = record.find('\0');
            const std::string_view text = record.substr(0, end);
            record.remove_prefix(end == std::string_view::npos ? record.size() : end + 1);
            return std::string{text};
        };
        berth::SandboxInfo info;
        info.id = id;
        info.created_at = berth::Time{berth::Duration{std::atoll(field().c_str())}};
        info.idempotency_key = field();
        if (std::string name = field(); !name.empty()) info.name = std::move(name);
        if (std::string cwd = field(); !cwd.empty()) info.environment.cwd = std::move(cwd);
        info.environment.env = environment_of(field());
        info.labels = environment_of(field());
        return info;
    }
    /// NAME=value, each ended by a control character that no shell writes.
    static std::string environment_text(const berth::Variables& variables) {
        std::string text;
        for (const berth::Variable& variable : variables)
            text += variable.name + "=" + variable.value + '\x1e';
        return text;
    }
    static berth::Variables environment_of(std::string_view text) {
        berth::Variables variables;
        while (!text.empty()) {
            const std::string_view item = text.substr(0, text.find('\x1e'));
            variables.set(item.substr(0, item.find('=')), item.substr(item.find('=') + 1));
            text.remove_prefix(item.size() + 1);
        }
        return variables;
    }

    berth::Host host_;
    std::string url_;
};

}  // namespace

BERTH_PLUGIN(Acme, R"({
    "name": "acme",
    "version": "1.0.0",
    "description": "Sandboxes of Acme",
    "features": ["persistent", "restart_keeps_files"],
    "config": {
        "type": "object",
        "additionalProperties": false,
        "required": ["token"],
        "properties": {
            "api_url": {"type": "string", "default": "https://api.acme.example", "description": "Address of the API"},
            "token": {"type": "string", "writeOnly": true, "x-env": ["ACME_TOKEN"], "description": "Access token"}
        }
    }
})")
