#ifndef MARATHON_BASE_SHIPPED_H
#define MARATHON_BASE_SHIPPED_H

/* The location of a file that we ship, for messages: its path in a checkout and in an installed
 * package. deploy/CMakeLists.txt installs it under these names. `file` is a string literal. */
#define SHIPPED(file)     "deploy/" file " (of the package: /usr/share/marathon/" file ")"
#define SHIPPED_DOC(file) "deploy/" file " (of the package: /usr/share/doc/marathon/" file ")"

#endif
