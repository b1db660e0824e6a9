// Where plugins are looked for, first to last. Never the working directory: a relative entry of the environment is
// dropped, and a relative one of the configuration is an error. Looks at no file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "../config/environment.hpp"

namespace berth::inline host_v1 {

/// Who named a directory; decides whether its absence is worth a word.
enum class SearchOrigin { command_line, configuration, environment, user_data, installation };

[[nodiscard]] std::string_view name_of(SearchOrigin origin) noexcept;

struct SearchInput {
    std::vector<std::string> given;  ///< --plugin-dir: relative to the working directory of the person who typed it
    std::vector<std::string> configured;  ///< plugins.paths, absolute
    EnvironmentVariables environment;     ///< BERTH_PLUGIN_PATH, XDG_DATA_HOME and HOME are read
    std::string install_directory;        ///< <prefix>/lib/berth/plugins; may be empty
};

struct SearchDirectory {
    std::string path;  ///< absolute, lexically normal
    SearchOrigin origin;
    bool came_with_berth = false;  ///< the install's own directory, whoever named it first
};

struct SearchPath {
    std::vector<SearchDirectory> directories;  ///< each once
    std::vector<Error> problems;               ///< entries that were dropped
};

[[nodiscard]] SearchPath search_path(const SearchInput& input);

}  // namespace berth::inline host_v1
