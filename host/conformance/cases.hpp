// The domains of the suite; each is one file under cases/.
#pragma once

#include <vector>

#include "suite.hpp"

namespace berth::inline host_v1::conformance {

std::vector<Case> lifecycle_cases();
std::vector<Case> lifetime_cases();
std::vector<Case> execute_cases();
std::vector<Case> limits_cases();
std::vector<Case> resource_limit_cases();
std::vector<Case> stream_cases();
std::vector<Case> terminal_cases();
std::vector<Case> upload_cases();
std::vector<Case> download_cases();
std::vector<Case> usage_cases();
std::vector<Case> restart_cases();
std::vector<Case> parallel_cases();
std::vector<Case> snapshot_cases();
std::vector<Case> log_cases();
std::vector<Case> environment_cases();
std::vector<Case> isolation_cases();

}  // namespace berth::inline host_v1::conformance
