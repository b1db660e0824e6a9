#include "contract_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "method_table.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;

// The sizes of version 1.0, frozen: a struct of this host may grow, an old plugin's must still be taken.
constexpr std::uint32_t plugin_size_v1_0 = 48;
constexpr std::uint32_t methods_size_v1_0 = 8 + 16 * 8;
constexpr std::uint32_t snapshots_size_v1_0 = 8 + 2 * 8;
static_assert(sizeof(berth_plugin) >= plugin_size_v1_0);
static_assert(sizeof(berth_methods) >= methods_size_v1_0);
static_assert(sizeof(berth_snapshots) >= snapshots_size_v1_0);

const std::string rebuild = "Build the plugin against the headers of contract 1.0 or later";

/// A zeroed struct of ours with the members that the plugin's has. `given` may be shorter or longer than T.
template <typename T>
T admit(const T* given, std::uint32_t least, std::string_view what) {
    std::uint32_t size = 0;
    std::memcpy(&size, given, sizeof size);
    if (size < least) {
        throw Error(struct_too_small,
                    "its " + std::string(what) + " has a wrong size: expected at least " + std::to_string(least) +
                        " bytes, found " + std::to_string(size),
                    rebuild);
    }
    T admitted{};
    std::memcpy(&admitted, given, std::min<std::size_t>(size, sizeof admitted));
    return admitted;
}

void require_functions(const berth_plugin& plugin) {
    std::vector<std::string> missing;
    if (plugin.methods == nullptr) missing.emplace_back("methods");
    if (plugin.open == nullptr) missing.emplace_back("open");
    if (plugin.describe == nullptr) missing.emplace_back("describe");
    if (plugin.close == nullptr) missing.emplace_back("close");
    if (!missing.empty()) {
        throw Error(required_missing, "members of berth_plugin are null: " + listed(missing), "Implement them");
    }
}

void require_methods(const berth_methods& methods) {
    std::vector<std::string> missing;
    for (const auto& row : method_table) {
        if (!row.extension.empty() || row.requirement == MethodNeed::optional) continue;
        if (!has_member(&methods, sizeof methods, row)) missing.emplace_back(row.name);
    }
    if (missing.empty()) return;
    throw Error(
        required_missing,
        std::to_string(missing.size()) + " of the 11 required methods are null in its table: " + listed(missing),
        "Implement them; a plugin without them cannot be used");
}

const void* extension_of(const berth_plugin& plugin, const std::string& id) {
    if (plugin.get_extension == nullptr) return nullptr;
    try {
        return plugin.get_extension({id.data(), id.size()});
    } catch (...) {
        throw Error(entry_failed, "get_extension threw an exception for " + quoted(id),
                    "Nothing may be thrown across the contract (rule E1)");
    }
}

berth_snapshots admit_snapshots(const void* given) {
    auto snapshots =
        admit(static_cast<const berth_snapshots*>(given), snapshots_size_v1_0, "table of " BERTH_SNAPSHOTS_EXTENSION);
    std::vector<std::string> missing;
    for (const auto& row : method_table) {
        if (row.extension != BERTH_SNAPSHOTS_EXTENSION) continue;
        if (!has_member(&snapshots, sizeof snapshots, row)) missing.emplace_back(row.name);
    }
    if (!missing.empty()) {
        throw Error(required_missing,
                    "members of its extension " BERTH_SNAPSHOTS_EXTENSION " are null: " + listed(missing),
                    "Implement them, or take the extension out of \"provides\"");
    }
    return snapshots;
}

/// What differs between words and deeds, both ways, in one message.
class Comparison {
public:
    void see(std::string name, bool said, bool there) {
        if (said && !there)
            only_said_.push_back(std::move(name));
        else if (!said && there)
            only_there_.push_back(std::move(name));
    }

    void finish() const {
        if (only_said_.empty() && only_there_.empty()) return;
        std::string message = "its manifest and its table differ:";
        if (!only_said_.empty()) message += " the manifest provides " + listed(only_said_) + ", the table does not";
        if (!only_said_.empty() && !only_there_.empty()) message += ";";
        if (!only_there_.empty()) message += " the table has " + listed(only_there_) + ", the manifest does not say so";
        throw Error(offer_differs, std::move(message), "Make \"provides\" of the manifest and the table equal");
    }

private:
    std::vector<std::string> only_said_;
    std::vector<std::string> only_there_;
};

/// Names that a plugin of this minor or an older one cannot have.
bool may_be_of_later_minor(const berth_plugin& plugin, const std::string& name) {
    return plugin.minor > BERTH_CONTRACT_MINOR && find_method(name) == nullptr && !is_extension_id(name);
}

}  // namespace

AdmittedPlugin check_contract(const berth_plugin& given, const Manifest& manifest) {
    AdmittedPlugin admitted;
    admitted.plugin = admit(&given, plugin_size_v1_0, "struct berth_plugin");
    require_functions(admitted.plugin);
    admitted.methods = admit(admitted.plugin.methods, methods_size_v1_0, "table of methods");
    require_methods(admitted.methods);

    Comparison comparison;
    for (const auto& row : method_table) {
        if (!row.extension.empty()) continue;
        comparison.see(std::string(row.name), manifest.provides_name(row.name),
                       has_member(&admitted.methods, sizeof admitted.methods, row));
    }
    for (const auto& name : manifest.provides) {
        if (find_method(name) != nullptr || may_be_of_later_minor(admitted.plugin, name)) continue;
        const bool known_here = name == BERTH_SNAPSHOTS_EXTENSION;
        const bool there = is_extension_id(name) && extension_of(admitted.plugin, name) != nullptr;
        if (!known_here) comparison.see(name, true, there);
    }
    const auto* snapshots = extension_of(admitted.plugin, BERTH_SNAPSHOTS_EXTENSION);
    comparison.see(BERTH_SNAPSHOTS_EXTENSION, manifest.provides_name(BERTH_SNAPSHOTS_EXTENSION), snapshots != nullptr);
    comparison.finish();
    if (snapshots != nullptr) admitted.snapshots = admit_snapshots(snapshots);
    return admitted;
}

}  // namespace berth::inline host_v1
