#include "inspection.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <berth/provider.h>

#include "../base/text.hpp"
#include "content_hash.hpp"
#include "diagnostics.hpp"
#include "elf_headers.hpp"
#include "elf_notes.hpp"
#include "method_table.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;

// A file that says more is listed, but not looked for.
constexpr std::size_t max_libraries_looked_for = 256;

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
    return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string owner_and_mode(const struct stat& status) {
    return "of user " + std::to_string(status.st_uid) + " and group " + std::to_string(status.st_gid) + ", mode " +
           mode_text(status.st_mode);
}

std::string folder_of(const std::string& path) {
    return path.substr(0, std::max<std::size_t>(1, path.rfind('/')));
}

class Inspector {
public:
    Inspector(const std::string& path, SearchOrigin origin, const InspectionInput& input) : path_(path), input_(input) {
        result_.file.path = path;
        result_.file.origin = origin;
    }

    Inspection run() {
        // Each one may need what those before it found; what it cannot have it skips.
        step("place", [this](InspectionStep& now) { look_at_place(now); });
        step("file", [this](InspectionStep& now) { look_at_file(now); });
        step("format", [this](InspectionStep& now) { look_at_format(now); });
        step("manifest", [this](InspectionStep& now) { look_for_manifest(now); });
        step("offer", [this](InspectionStep& now) { read_offer(now); });
        step("libraries", [this](InspectionStep& now) { look_for_libraries(now); });
        step("entry", [this](InspectionStep& now) { look_for_entry(now); });
        step("name", [this](InspectionStep& now) { look_for_others(now); });
        step("pin", [this](InspectionStep& now) { look_for_pin(now); });
        step("quarantine", [this](InspectionStep& now) { look_for_quarantine(now); });
        step("table", [](InspectionStep& now) {
            skip(now, "only loading it tells whether its functions are those that the manifest names");
        });
        for (const auto& done : result_.steps)
            settle(done);
        return std::move(result_);
    }

private:
    void step(std::string_view name, const std::function<void(InspectionStep&)>& look) {
        InspectionStep now{name, StepState::passed, {}, {}};
        try {
            look(now);
        } catch (const Error& problem) {
            fail(now, problem);
        }
        result_.steps.push_back(std::move(now));
    }

    void fail(InspectionStep& now, const Error& problem) const {
        now.state = StepState::failed;
        now.errors.push_back(problem.with_location(printable(path_)));
    }

    void warn(InspectionStep& now, const Error& problem) const {
        if (now.state == StepState::passed) now.state = StepState::warning;
        now.errors.push_back(problem.with_location(printable(path_)));
    }

    static void skip(InspectionStep& now, std::string why) {
        now.state = StepState::skipped;
        now.found = std::move(why);
    }

    void settle(const InspectionStep& done) {
        auto& file = result_.file;
        if (done.state == StepState::failed && !file.error) file.error = done.errors.front();
        if (done.state == StepState::warning) {
            file.warnings.insert(file.warnings.end(), done.errors.begin(), done.errors.end());
        }
    }

    void look_at_place(InspectionStep& now) {
        walk_ = walk_to(path_, WalkGoal::file, input_.rules, OnDistrust::go_on);
        result_.way = walk_->steps;
        std::size_t directories = 0;
        for (auto place = result_.way.begin(); place + 1 != result_.way.end(); ++place) {
            if (place->kind == TrustedKind::directory_above) ++directories;
            if (place->refusal) fail(now, *place->refusal);
            if (place->set_aside) warn(now, *place->set_aside);
        }
        const auto links = result_.way.size() - 1 - directories;
        now.found = counted(directories, "directory", "directories") + " and " + counted(links, "link", "links") +
                    " on the way";
        if (now.errors.empty()) now.found += ", which nobody but their owners, root or you, can change";
        if (now.state == StepState::warning) now.found += "; what is said of those above this program refuses nothing";
    }

    void look_at_file(InspectionStep& now) {
        if (!walk_) return skip(now, "there is no way to the file");
        const auto& last = walk_->last();
        now.found = owner_and_mode(last.status) + ", " +
                    counted(static_cast<std::size_t>(last.status.st_size), "byte", "bytes");
        if (last.refusal) fail(now, *last.refusal);
        opened_ = open_end(*walk_);
        result_.file.owner = opened_->owner;
        result_.file.identity = opened_->identity;
        bytes_.emplace(opened_->descriptor.get(), opened_->identity.size);
        check_plugin_size(opened_->identity.size);
        result_.hash = content_hash(*bytes_);
        if (!result_.hash) throw Error(changed, "the file became shorter while it was read", "Inspect it again");
    }

    void look_at_format(InspectionStep& now) {
        if (!bytes_) return skip(now, "there is nothing to read");
        (void)read_elf_header(*bytes_);
        now.found = "a shared object for " + std::string(this_machine()) + ", 64 bit";
        is_elf_ = true;
        result_.links = read_elf_links(*bytes_);
        if (result_.links->executable_stack) {
            warn(now, Error(not_loadable, "it asks for an executable stack, which many systems refuse",
                            "Link it with -Wl,-z,noexecstack"));
        }
        if (result_.links->text_relocations) {
            warn(now, Error(not_loadable, "its code has to be changed while it is loaded, which many systems refuse",
                            "Compile all of it with -fPIC"));
        }
    }

    void look_for_manifest(InspectionStep& now) {
        if (!is_elf_) return skip(now, "it is no shared object for this machine");
        notes_ = read_elf_notes(*bytes_);
        now.found = counted(notes_->manifest.size(), "byte", "bytes") + " in its note " BERTH_NOTE_SECTION;
    }

    void read_offer(InspectionStep& now) {
        if (!notes_) return skip(now, "there is no manifest");
        auto read = parse_manifest(notes_->manifest, notes_->provides);
        result_.file.manifest = std::move(read.manifest);
        const auto& manifest = *result_.file.manifest;
        std::size_t methods = 0;
        for (const auto& name : method_names())
            methods += manifest.provides_name(name) ? 1 : 0;
        now.found = "plugin " + manifest.name + ", version " + printable(manifest.version) + ", for contract " +
                    std::to_string(manifest.contract) + ": " + std::to_string(methods) + " of " +
                    std::to_string(method_names().size()) + " methods, " +
                    counted(manifest.features.size(), "feature", "features") + ", " +
                    counted(manifest.config.options().size(), "option", "options");
        for (const auto& warning : read.warnings)
            warn(now, warning);
    }

    void look_for_libraries(InspectionStep& now) {
        if (!result_.links) return skip(now, "its dynamic section cannot be read");
        const auto& links = *result_.links;
        const auto origin = folder_of(walk_->last().path);
        std::vector<std::string> missing;
        for (const auto& name : links.needed) {
            const bool looked_for = result_.libraries.size() < max_libraries_looked_for;
            auto place = looked_for ? input_.libraries->find(name, links.library_folders, origin) : std::nullopt;
            if (looked_for && !place) missing.push_back(printable(name));
            result_.libraries.push_back({name, std::move(place)});
        }
        now.found = counted(links.needed.size(), "library", "libraries") + " needed, " +
                    (missing.empty() ? "all of them are here" : std::to_string(missing.size()) + " missing");
        if (links.needed.size() > max_libraries_looked_for) {
            throw Error(damaged_elf,
                        "it needs " + std::to_string(links.needed.size()) + " libraries, expected at most 256",
                        "Build or copy the file again");
        }
        if (missing.empty()) return;
        throw Error(
            missing_library,
            "it needs " + listed(missing) + ", which " + (missing.size() == 1 ? "is" : "are") + " not installed",
            "Install the package that brings it, or rebuild the plugin without it");
    }

    void look_for_entry(InspectionStep& now) {
        if (!result_.links) return skip(now, "its dynamic section cannot be read");
        const auto& entries = result_.links->entries;
        const auto others = result_.links->exported_count - std::min<std::uint64_t>(1, entries.size());
        if (std::find(entries.begin(), entries.end(), 1) != entries.end()) {
            now.found = "it exports " BERTH_ENTRY_SYMBOL " and " + counted(others, "other symbol", "other symbols");
            return;
        }
        now.found = "it exports " + counted(result_.links->exported_count, "symbol", "symbols");
        if (entries.empty()) {
            throw Error(no_entry, "it does not export the entry " BERTH_ENTRY_SYMBOL,
                        "Write BERTH_PLUGIN (C++), or define the function with BERTH_EXPORT and C linkage");
        }
        throw Error(wrong_major,
                    "the plugin is built for another contract: expected the entry " BERTH_ENTRY_SYMBOL
                    ", found berth_plugin_v" +
                        std::to_string(entries.front()),
                    "Take a build of the plugin for contract 1, or another Berth");
    }

    /// The search path as it is now: is it on it, and is it the only one there of its name?
    void look_for_others(InspectionStep& now) {
        if (!result_.file.manifest || input_.catalog == nullptr) return skip(now, "it says no name");
        const auto& name = result_.file.manifest->name;
        const PluginFile* itself = nullptr;
        const PluginFile* other = nullptr;
        for (const auto& file : input_.catalog->files()) {
            if (file.identity.same_file(result_.file.identity)) {
                itself = &file;
            } else if (file.manifest && file.manifest->name == name) {
                other = &file;
            }
        }
        if (other != nullptr) {
            throw Error(duplicate_name,
                        "another file of the search path says it is the plugin " + quoted(name) +
                            ", too: " + quoted(other->path),
                        "Take all but one off the search path");
        }
        now.found = itself != nullptr ? "the only plugin " + quoted(name) + " of the search path, found by " +
                                            std::string(name_of(itself->origin))
                                      : "no directory of the search path holds it; name its own with --plugin-dir";
    }

    void look_for_pin(InspectionStep& now) {
        if (!result_.file.manifest || !result_.hash) return skip(now, "it says no name, or cannot be read whole");
        const auto& name = result_.file.manifest->name;
        if (auto refusal = input_.pins.refusal_without_pin(name)) throw *std::move(refusal);
        if (auto refusal = input_.pins.refusal(name, *result_.hash)) throw *std::move(refusal);
        result_.file.pinned = input_.pins.of(name).has_value();
        now.found = result_.file.pinned ? "it holds what its pin says" : "it has no pin and needs none";
    }

    void look_for_quarantine(InspectionStep& now) {
        if (!result_.hash) return skip(now, "it cannot be read whole");
        const auto& all = input_.quarantine;
        const auto found = std::find_if(all.begin(), all.end(),
                                        [&](const QuarantineRecord& record) { return record.hash == *result_.hash; });
        if (found == all.end()) {
            now.found = "nothing that it did before speaks against it";
            return;
        }
        result_.quarantine = *found;
        throw quarantine_refusal(*found, result_.file.name());
    }

    const std::string& path_;
    const InspectionInput& input_;
    Inspection result_;
    std::optional<Walk> walk_;
    std::optional<TrustedFile> opened_;
    std::optional<FileBytes> bytes_;
    bool is_elf_ = false;
    std::optional<ElfNotes> notes_;
};

}  // namespace

std::string_view name_of(StepState state) noexcept {
    switch (state) {
        case StepState::passed:
            return "passed";
        case StepState::warning:
            return "warning";
        case StepState::failed:
            return "failed";
        case StepState::skipped:
            return "skipped";
    }
    return "unknown";
}

bool Inspection::would_load() const noexcept {
    return std::none_of(steps.begin(), steps.end(),
                        [](const InspectionStep& step) { return step.state == StepState::failed; });
}

Inspection inspect_plugin(const std::string& path, SearchOrigin origin, const InspectionInput& input) {
    return Inspector(path, origin, input).run();
}

}  // namespace berth::inline host_v1
