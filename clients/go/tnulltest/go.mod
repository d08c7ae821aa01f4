module tnull.example/tnulltest

go 1.19
