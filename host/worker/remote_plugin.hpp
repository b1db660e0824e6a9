// A plugin in a worker as a table in this process: each function sends its arguments to the worker and serves it until the
// method has returned there. So a provider over a worker is a provider over a table, with the same checks of everything
// that comes back. Knows no process.
#pragma once

#include "../plugin/loader.hpp"
#include "worker_connection.hpp"

namespace berth::inline host_v1 {

/// The table of the plugin that `connection` has loaded; it must outlive what it is opened with, and goes into
/// DirectProviderOptions::instance. Throws Error BERTH-W-08 when the worker claims other methods than the manifest.
[[nodiscard]] LoadedPlugin remote_plugin(const std::string& path, const Manifest& manifest, const LoadedFacts& facts);

}  // namespace berth::inline host_v1
