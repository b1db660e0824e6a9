// All plugin files of the search path, good and bad. Reading the catalog loads nothing and runs no plugin's code.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "pins.hpp"
#include "plugin_file.hpp"
#include "search.hpp"
#include "trust.hpp"

namespace berth::inline host_v1 {

class Catalog {
public:
    /// Never throws for what lies on the disk: a bad file is kept with its error, a bad directory goes to problems().
    [[nodiscard]] static Catalog read(const SearchInput& input, const TrustRules& rules, const Pins& pins = {});

    /// In the order of the search path, by name within a directory.
    [[nodiscard]] std::span<const PluginFile> files() const noexcept { return files_; }
    /// Directories that could not be used.
    [[nodiscard]] std::span<const Error> problems() const noexcept { return problems_; }
    /// The directories that were read.
    [[nodiscard]] std::span<const SearchDirectory> directories() const noexcept { return directories_; }

    /// The usable plugin of that name. Else throws why: the error of the file that has the name (or, for a file that
    /// says none, the file name NAME.so), or BERTH-P-01 with the nearest name and where was looked.
    [[nodiscard]] const PluginFile& find(std::string_view name) const;

private:
    std::vector<SearchDirectory> directories_;
    std::vector<PluginFile> files_;
    std::vector<Error> problems_;
};

}  // namespace berth::inline host_v1
