// What Docker's own parsers make of a deployment, as JSON.
//
// usage: check compose FILE       the project, as `docker compose config` has it
//        check dockerfile FILE    the stages with their commands
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("usage: check compose|dockerfile FILE")
	}
	switch arguments[0] {
	case "compose":
		return compose(arguments[1])
	case "dockerfile":
		return dockerfile(arguments[1])
	}
	return fmt.Errorf("%s: there is compose and dockerfile", arguments[0])
}

func compose(file string) error {
	// Profiles are in COMPOSE_PROFILES, as for Compose.
	options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithDefaultProfiles())
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	text, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

type stage struct {
	Name     string   `json:"name"`
	Base     string   `json:"base"`
	Commands []string `json:"commands"`
}

func dockerfile(file string) error {
	source, err := os.Open(file)
	if err != nil {
		return err
	}
	defer source.Close()
	tree, err := parser.Parse(source)
	if err != nil {
		return err
	}
	if len(tree.Warnings) > 0 {
		return fmt.Errorf("%s: %s", file, tree.Warnings[0].Short)
	}
	parsed, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return err
	}
	var stages []stage
	for _, one := range parsed {
		found := stage{Name: one.Name, Base: one.BaseName}
		for _, command := range one.Commands {
			found.Commands = append(found.Commands, fmt.Sprint(command))
		}
		stages = append(stages, found)
	}
	return json.NewEncoder(os.Stdout).Encode(stages)
}
