// Everything that can be found out about a plugin file without running it: each condition for loading it, one by one and
// also behind one that fails, so that a person sees at once all there is to mend.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog.hpp"
#include "elf_links.hpp"
#include "library_search.hpp"
#include "plugin_file.hpp"
#include "quarantine.hpp"
#include "trusted_walk.hpp"

namespace berth::inline host_v1 {

enum class StepState { passed, warning, failed, skipped };

[[nodiscard]] std::string_view name_of(StepState state) noexcept;

/// One condition, in the order in which loading asks for it.
struct InspectionStep {
    std::string_view name;  ///< one word for programs: "place", "file", ...
    StepState state;
    std::string found;          ///< what was found, a sentence without a full stop
    std::vector<Error> errors;  ///< why it failed, or what it warns of
};

/// A library that the file needs.
struct NeededLibrary {
    std::string name;
    std::optional<std::string> path;  ///< where it would be found
};

struct Inspection {
    PluginFile file;
    std::vector<WalkStep> way;  ///< from the root of the file system to the file
    std::optional<ElfLinks> links;
    std::vector<NeededLibrary> libraries;
    std::optional<std::string> hash;
    std::optional<QuarantineRecord> quarantine;  ///< why it is in quarantine, if it is
    std::vector<InspectionStep> steps;

    /// Whether nothing that can be known without running it speaks against loading it.
    [[nodiscard]] bool would_load() const noexcept;
};

/// What an inspection is made against.
struct InspectionInput {
    TrustRules rules;
    const Catalog* catalog;  ///< for other files of its name; may be null
    const LibrarySearch* libraries;
    Pins pins = {};
    std::vector<QuarantineRecord> quarantine = {};
};

/// `path` is absolute. What is wrong is in the steps, never thrown.
[[nodiscard]] Inspection inspect_plugin(const std::string& path, SearchOrigin origin, const InspectionInput& input);

}  // namespace berth::inline host_v1
