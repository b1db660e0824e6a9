// A cloud's provider through the library, over a stand-in that answers at once: against its vendor's official client, where
// that is installed, and against libcurl alone. Commands, files, a followed log, and what a large file costs in memory.
// Knows no vendor.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bare_curl.hpp"
#include "engine/host.hpp"

namespace bench {

/// What the benchmarks of the clouds differ in.
struct Vendor {
    std::string name;  ///< of the plugin, and of its provider here
    /// The provider's, but for its secret.
    nlohmann::json configuration;
    std::string secret_option;
    std::string secret;
    /// One command, as libcurl alone sends it.
    BareRequest command;
    /// The same for the file download.bin; without a URL: not compared.
    BareRequest download{};
    /// The same for a file with this content. Empty: not compared.
    std::function<BareRequest(const std::string& content)> upload{};
    /// Ways to run a command that the official client has beside the usual one: its word for each is also the figure's.
    std::vector<std::string> other_official_ways{};
    /// Has a long log made, and follows it by the least there is; gives its bytes. Empty: not compared.
    std::function<std::size_t()> follow{};
};

/// A host with this vendor's provider alone, the default one.
[[nodiscard]] berth::HostOptions cloud_options(const std::string& plugins, const Vendor& vendor,
                                               const std::string& state);

/// `about` is what the stand-in says of itself, with the "sandbox" that Berth made there.
using VendorOf = Vendor (*)(const nlohmann::json& about);

/// What main() of such a benchmark is:
///   bench_VENDOR --plugins DIR --about JSON --what turn|flight|upload|download|follow|memory [--count N]
///                [--official SCRIPT] [--node NODE] [--place DIR] [--rounds N] [--only SIDE] [--small N] [--large N]
int run_cloud_bench(int count, char** words, VendorOf vendor_of);

}  // namespace bench
