// keeper.so: a provider whose sandboxes are nothing but records in the store that the host keeps for it. So what a kill
// loses or tears there is a sandbox that is lost or a file that is torn. For the soak.
#include <berth/provider.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using berth::Code;
using berth::Error;

class Keeper {
public:
    Keeper(berth::Host host, const berth::Settings&) : state_(host.state()) {}

    berth::SandboxInfo create(berth::Call& call, const berth::SandboxConfig& config, berth::FileSource&) {
        const auto id = berth::make_id("kept");
        const std::string label(config.labels().find("token").value_or(""));
        if (!state_.put(call, "box/" + id, label, 0)) throw Error(Code::conflict, "an id twice");
        return described(id, label, config.idempotency_key());
    }
    berth::SandboxInfo get(berth::Call& call, std::string_view id) { return described(id, record(call, id).value, {}); }
    std::vector<berth::SandboxInfo> list(berth::Call& call) {
        std::vector<berth::SandboxInfo> all;
        for (const auto& key : state_.keys(call, "box/"))
            if (const auto stored = state_.get(call, key)) all.push_back(described(key.substr(4), stored->value, {}));
        return all;
    }
    void destroy(berth::Call& call, std::string_view id) {
        // Its record last: as long as that is there, destroy can be called again.
        for (const auto& key : state_.keys(call, "file/" + std::string(id) + "/"))
            forget(call, key);
        (void)record(call, id);
        forget(call, "box/" + std::string(id));
    }
    berth::ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                              berth::ProcessSink& sink) {
        return execute_stream(call, id, process, sink);
    }
    /// Whatever the program is: it puts out its last word.
    berth::ProcessEnd execute_stream(berth::Call& call, std::string_view id, const berth::Process& process,
                                     berth::ProcessSink& sink) {
        (void)record(call, id);
        sink.started(1);
        std::string_view last;
        for (const std::string_view word : process.args())
            last = word;
        (void)sink.output(berth::Stream::out, std::string(last) + "\n");
        return berth::ProcessEnd::exited(0);
    }
    void upload_files(berth::Call& call, std::string_view id, berth::FileSource& source) {
        (void)record(call, id);
        source.each([&](const berth::FileEntry& entry) {
            if (entry.kind != berth::EntryKind::file) return;
            std::string content;
            char buffer[65536];
            while (const std::size_t got = source.read(buffer, sizeof buffer))
                content.append(buffer, got);
            state_.update(call, key_of(id, entry.path), [&](const std::optional<std::string>&) { return content; });
        });
    }
    void download_files(berth::Call& call, std::string_view id, berth::Paths paths, berth::FileSink& sink) {
        for (std::size_t index = 0; index < paths.size(); ++index) {
            const auto stored = state_.get(call, key_of(id, paths[index]));
            if (!stored) throw Error(Code::file_not_found, "no such file").path(paths[index]).index(index);
            berth::FileEntry entry{berth::EntryKind::file, index, "", ""};
            entry.top = true;
            sink.begin(entry);
            sink.write(stored->value);
            sink.commit();
        }
    }
    berth::Usage get_resource_usage(berth::Call&, std::string_view) { return {}; }
    bool is_ready(berth::Call& call, std::string_view id) {
        return state_.get(call, "box/" + std::string(id)).has_value();
    }
    berth::SandboxInfo restart(berth::Call& call, std::string_view id) { return get(call, id); }

private:
    static std::string key_of(std::string_view id, std::string_view path) {
        return "file/" + std::string(id) + "/" + std::string(path);
    }
    berth::StoredValue record(berth::Call& call, std::string_view id) {
        auto stored = state_.get(call, "box/" + std::string(id));
        if (!stored) throw Error(Code::not_found, "no such sandbox");
        return std::move(*stored);
    }
    void forget(berth::Call& call, const std::string& key) {
        if (const auto stored = state_.get(call, key)) (void)state_.remove(call, key, stored->revision);
    }
    static berth::SandboxInfo described(std::string_view id, const std::string& token, std::string_view key) {
        berth::SandboxInfo info;
        info.id = id;
        info.state = berth::SandboxState::ready;
        info.created_at = berth::Time{berth::Duration{1'790'000'000'000}};
        info.persistent = true;
        info.idempotency_key = key;
        info.labels = {{"token", token}};
        return info;
    }

    berth::StateStore state_;
};

}  // namespace

BERTH_PLUGIN(Keeper, R"({
  "name": "keeper",
  "version": "1.0.0",
  "description": "For the soak: sandboxes that are records in the host's store",
  "features": ["persistent", "restart_keeps_files"]
})")
