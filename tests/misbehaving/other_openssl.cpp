// A library with the name of one that the host uses, and another content.
extern "C" __attribute__((visibility("default"))) const char* OpenSSL_version(int which);
extern "C" const char* OpenSSL_version(int /*which*/) {
    return "OpenSSL of somebody else";
}
