// Files out of a sandbox: a file as it is, a directory as a tar archive that is read as it comes.
#pragma once

#include <berth/call.hpp>
#include <berth/files.hpp>

#include "sandbox_link.hpp"

namespace berth_cloud {

// Relative paths are below `directory`.
void download_files(SandboxLink& link, berth::Call& call, const std::string& directory,
                    const std::vector<std::string>& wanted, berth::FileSink& sink);

}  // namespace berth_cloud
