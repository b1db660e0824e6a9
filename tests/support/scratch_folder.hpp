// A folder of its own for one test case, gone at the end. Knows no test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace berth_test {

class ScratchFolder {
public:
    /// `subject`: what is tested, for the folder's name.
    explicit ScratchFolder(const std::string& subject) {
        std::string name = (std::filesystem::temp_directory_path() / ("berth-" + subject + "-XXXXXX")).string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
        path = name;
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    std::filesystem::path path;
};

}  // namespace berth_test
