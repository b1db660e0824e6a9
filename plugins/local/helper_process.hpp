// A helper program of ours: started without an environment and with nothing open but what it is given, heard, ended.
// What it complains about becomes the failure. Knows nothing of what any helper does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.hpp"

namespace berth_local {

class HelperProcess {
public:
    struct Given {
        int descriptor;  // ours
        int number;      // its, from 3 on
    };
    // Throws when it cannot be started.
    HelperProcess(const std::string& program, std::vector<std::string> arguments, std::initializer_list<Given> given);
    // Kills it when nobody waited for its end.
    ~HelperProcess();
    HelperProcess(const HelperProcess&) = delete;
    HelperProcess& operator=(const HelperProcess&) = delete;

    // Its stdout, to be read until its end.
    [[nodiscard]] const Descriptor& output() const { return output_; }
    // Waits for its end. Absent when it ended well, else what it wrote to stderr.
    [[nodiscard]] std::optional<std::string> complaint();
    // The same, thrown as `code` after the words `doing`.
    void finish(std::int32_t code, const std::string& doing);

private:
    void wait();

    pid_t process_ = 0;
    int status_ = 0;
    Descriptor output_;
    Descriptor complaints_;
};

}  // namespace berth_local
