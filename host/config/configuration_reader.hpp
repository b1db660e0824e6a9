// From a YAML tree to a Configuration: the meaning of every key of berth.yaml. Knows no file system but the names of
// paths, and no plugin.
#pragma once

#include <filesystem>

#include "configuration.hpp"
#include "environment.hpp"
#include "problems.hpp"
#include "yaml_document.hpp"

namespace berth::inline host_v1 {

/// Fills in what the tree says and notes what is wrong with it. `file` is absolute.
[[nodiscard]] Configuration interpret(const YamlNode& root, const std::filesystem::path& file,
                                      const EnvironmentVariables& environment, Problems& problems);

}  // namespace berth::inline host_v1
