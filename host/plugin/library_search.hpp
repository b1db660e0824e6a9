// Where the system's loader would find a shared library that a file needs, by the loader's own documented order. Looks,
// and loads nothing. Knows no plugin.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../config/environment.hpp"

namespace berth::inline host_v1 {

/// Made once for many questions: reads the loader's cache when it is made.
class LibrarySearch {
public:
    /// LD_LIBRARY_PATH is read of `environment`. `cache_file` is for tests.
    explicit LibrarySearch(const EnvironmentVariables& environment, const std::string& cache_file = "/etc/ld.so.cache");

    /// The path of a library of that name for this machine, or nothing. `folders` are those that the file asks for, in
    /// which $ORIGIN stands for `origin`, the folder it lies in. A name with a slash is a path.
    [[nodiscard]] std::optional<std::string> find(const std::string& name, const std::vector<std::string>& folders,
                                                  const std::string& origin) const;

private:
    [[nodiscard]] std::vector<std::string> cached(std::string_view name) const;

    std::vector<std::string> environment_folders_;
    std::string cache_;
};

/// `$ORIGIN` and `${ORIGIN}` replaced; nothing when another of the loader's words is in it.
[[nodiscard]] std::optional<std::string> expanded_folder(std::string_view folder, std::string_view origin);

}  // namespace berth::inline host_v1
