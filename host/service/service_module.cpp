#include "service_module.hpp"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/error.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

[[noreturn]] void refuse(const std::string& file, const std::string& why, std::string hint) {
    ErrorFields fields;
    fields.message = "a service of this host cannot be loaded: " + why;
    fields.hint = std::move(hint);
    fields.path = file;
    throw Error(service_diagnostics::no_such_service, std::move(fields));
}

/// It becomes part of this process, as a plugin does.
void check_owner(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) refuse(file, "it is not there", "install Berth whole");
    const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
    if (!S_ISREG(status.st_mode) || !ours || (status.st_mode & 022U) != 0) {
        refuse(file, "others could have changed it",
               "give the file to root or to yourself, and take the right to write from everybody else");
    }
}

}  // namespace

void* module_symbol(const std::string& file, const char* symbol) {
    check_owner(file);
    void* const module = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (module == nullptr) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc keeps this text for each thread
        const char* const reason = ::dlerror();
        refuse(file, reason == nullptr ? "the system says nothing of why" : reason,
               "install the libraries that it needs");
    }
    void* const address = ::dlsym(module, symbol);
    if (address == nullptr) refuse(file, "it is of another version of Berth", "install Berth whole");
    return address;
}

}  // namespace berth::inline host_v1
