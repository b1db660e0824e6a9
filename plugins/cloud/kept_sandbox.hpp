// What no cloud keeps for us of a sandbox, or gives back: what was asked for when it was made, its environment, when it was last used.
// Stored in the host's state, each sandbox one record; as texts for labels or tags it reaches other machines. Knows no backend.
#pragma once

#include <berth/provider.hpp>
#include <berth/state.hpp>
#include <optional>
#include <string>
#include <vector>

#include "json_fields.hpp"

namespace berth_cloud {

struct KeptSandbox {
    std::string idempotency_key;
    std::optional<std::string> name;
    std::optional<std::string> template_name;
    bool persistent = false;
    berth::Variables env;
    std::optional<std::string> cwd;  // as asked for; absolute
    std::optional<std::int64_t> timeout_ms;
    berth::Variables labels;
    std::optional<std::int64_t> last_used_at;
};

// All but the directory, which may be relative to one that only the sandbox knows.
[[nodiscard]] KeptSandbox kept_of(const berth::SandboxConfig& config);

// The id that a provider gives to the sandbox of this key: the backend itself then refuses a second one.
[[nodiscard]] std::string id_of_key(const std::string& provider, std::string_view idempotency_key);

// As members of the stored record.
[[nodiscard]] Json to_json(const KeptSandbox& kept);
[[nodiscard]] KeptSandbox kept_in(const Json& record);

// As texts by name, for a backend's labels or tags: without what may be secret, and without what is no UTF-8.
[[nodiscard]] std::map<std::string, std::string> label_texts(const KeptSandbox& kept);
[[nodiscard]] KeptSandbox kept_in_labels(const std::map<std::string, std::string>& labels);

// Sets and removes, of which a secret stays one. Throws resource_exhausted when all together are larger than the contract allows.
void change_variables(berth::Variables& env, berth::Pairs set, const std::vector<std::string>& unset);

// Whether a use now is worth a write: every command would cost one otherwise.
[[nodiscard]] bool is_use_worth_keeping(const KeptSandbox& kept, std::int64_t now);

// A snapshot's own name and the environment that belongs to its files.
struct KeptSnapshot {
    std::string name;
    std::string sandbox;
    std::int64_t created_at = 0;
    berth::Variables env;
};

// The records of one provider in the host's state.
class KeptRecords {
public:
    explicit KeptRecords(berth::StateStore state) : state_(state) {}

    // With the sandbox's log.
    void remove(berth::Call& call, std::string_view sandbox) const;
    [[nodiscard]] std::optional<KeptSnapshot> find_snapshot(berth::Call& call, std::string_view id) const;
    void keep_snapshot(berth::Call& call, std::string_view id, const KeptSnapshot& snapshot) const;
    void forget_snapshot(berth::Call& call, std::string_view id) const;

protected:
    static std::string key_of(std::string_view sandbox) { return "sandbox/" + std::string{sandbox}; }
    berth::StateStore state_;

private:
    void forget(berth::Call& call, const std::string& key) const;
};

}  // namespace berth_cloud
