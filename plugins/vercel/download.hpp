// Files out of a sandbox: a file as it is, a directory as a tar archive that is read as it comes.
#pragma once

#include "backend.hpp"

namespace berth_vercel {

void download_files(const Backend& backend, berth::Call& call, const Place& place, const std::string& directory,
                    const std::vector<std::string>& wanted, berth::FileSink& sink);

}  // namespace berth_vercel
