//go:build faultpoints

package main

func killProcesses(string) (int, error) { return 0, nil }
